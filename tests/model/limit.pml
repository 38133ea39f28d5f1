/*
 * limit.pml - many sessions start at once, each with its own run, and there is no lock between them.
 *
 * Checked exhaustively by tests/model/check; README.md beside this file explains the argument.
 *
 * Sessions are numbered in the order of (StartDate, SessionId); they start in any order. Sets of sessions are bit
 * masks. What the service does, it does at any moment:
 *   visible   sessions that listings show: some time after they started
 *   gone      sessions whose end listings show: some time after they were told to end
 * A listing comes in two pages, each read at one moment.
 */
#ifndef N
#define N 4 /* sessions, each with its own run */
#endif
#ifndef LIMIT
#define LIMIT 1
#endif
#ifndef NEWEST
#define NEWEST 0 /* 1: --terminate newest */
#endif
#ifndef PAGES
#define PAGES 0 /* 0: the lower half on the first page, 1: the higher half, 2: all on one page */
#endif
#ifndef RELIST
#define RELIST 1 /* 0: without the rule that the listing acted on must begin when the own session is visible */
#endif
#ifndef KILLS
#define KILLS 0 /* 1: any run may be killed between any two steps */
#endif

#define ALL ((1 << N) - 1)
#define BIT(i) (1 << (i))
#if PAGES == 2
#define FIRST ALL
#elif PAGES == 1
#define FIRST (ALL & ~((1 << (N / 2)) - 1))
#else
#define FIRST ((1 << (N / 2)) - 1)
#endif
/* Those that stay before session i where too many are there. */
#if NEWEST
#define BEFORE(i) (BIT(i) - 1)
#define RIGHT (BIT(LIMIT) - 1)
#else
#define BEFORE(i) (ALL & ~(BIT(i + 1) - 1))
#define RIGHT (ALL & ~(BIT(N - LIMIT) - 1))
#endif
#define COUNT(set) (((set) & 1) + (((set) >> 1) & 1) + (((set) >> 2) & 1) + (((set) >> 3) & 1) + (((set) >> 4) & 1))

byte started = 0;
byte visible = 0;
byte ended = 0;
byte gone = 0;
byte done = 0;
bool killed = false;

#define LISTED (visible & ~gone)

/* One per session: it becomes visible, and so does its end. */
proctype Service(byte i)
{
	atomic { (started & BIT(i)) -> visible = visible | BIT(i) }
	if
	:: atomic { (ended & BIT(i)) -> gone = gone | BIT(i) }
	:: atomic { done == N -> skip }
	fi
}

proctype Run(byte self)
{
	byte seen = 0;   /* the listing: sessions that count */
	byte doomed = 0; /* the plan */
	byte i = 0;
	bool settled = false;

	started = started | BIT(self);

	/* listing_settle() */
list:
	seen = LISTED & FIRST;
#if PAGES != 2
	seen = seen | (LISTED & (ALL & ~FIRST));
#endif
	if
	:: atomic { KILLS -> killed = true; goto end }
	:: atomic { settled || (seen & BIT(self) & (RELIST -> FIRST : ALL)) -> goto plan }
	:: atomic { !settled && (seen & BIT(self)) && !(seen & BIT(self) & (RELIST -> FIRST : ALL)) ->
		/* On a later page: what stands on the first may have become visible since that was read. */
		settled = true; seen = 0; goto list }
	:: atomic { !(seen & BIT(self)) && !settled && (visible & BIT(self)) && !(gone & BIT(self)) ->
		/* It has become visible since: the next listing may begin. */
		seen = 0; goto list }
	:: atomic { !(seen & BIT(self)) && !settled && (ended & BIT(self)) ->
		/* Another run has ended it: it may never appear. The last listing stands. */
		goto plan }
	fi;

plan:
	atomic {
		i = 0;
		do
		:: i < N ->
			if
			:: (seen & BIT(i)) && COUNT(seen & BEFORE(i)) >= LIMIT -> doomed = doomed | BIT(i)
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0;
		seen = 0
	}

	/* act_on_others(), then act_on_self(); runs of others step in between. */
act:
	if
	:: atomic { KILLS -> killed = true; doomed = 0; goto end }
	:: atomic {
		doomed != 0 ->
		i = 0;
		do
		:: (doomed & BIT(i)) && (i != self || doomed == BIT(self)) -> break
		:: else -> i++
		od;
		/* Rule 2: of those that have started, enough stay before it. */
		assert(COUNT(started & BEFORE(i)) >= LIMIT);
		ended = ended | BIT(i);
		doomed = doomed & ~BIT(i);
		i = 0;
		goto act }
	:: atomic { doomed == 0 -> goto end }
	fi;

end:
	atomic {
		settled = false;
		seen = 0;
		done++;
		if
		:: done == N ->
			/* Rule 3: the right ones are left, and, where no run was killed, only they. */
			assert((ended & RIGHT) == 0);
			assert(killed || ended == (ALL & ~RIGHT))
		:: else
		fi
	}
}

init {
	byte i = 0;
	atomic {
		do
		:: i < N -> run Service(i); run Run(i); i++
		:: else -> break
		od
	}
}
