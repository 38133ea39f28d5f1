#include <stddef.h>

#include "cmd/options.h"

#define BIT(command) (1U << (unsigned)(command))
#define ENFORCE      BIT(COMMAND_ENFORCE)
#define LIST         BIT(COMMAND_LIST)
#define DOCTOR       BIT(COMMAND_DOCTOR)
#define DEPLOY       BIT(COMMAND_DEPLOY)
#define UNDEPLOY     BIT(COMMAND_UNDEPLOY)
#define ROLLBACK     BIT(COMMAND_ROLLBACK)

/* On the instance; of an administrator; both. */
#define INSTANCE   (ENFORCE | LIST | DOCTOR)
#define ADMIN      (DEPLOY | UNDEPLOY | ROLLBACK)
#define WORK       (INSTANCE | ADMIN)
#define ALL        (WORK | BIT(COMMAND_HELP) | BIT(COMMAND_VERSION))

#define AT(member) offsetof(struct options, member)

enum { DAY_S = 86400 };

static const struct option table[] = {
    {"max", 0, OPTION_NUMBER, ENFORCE | LIST | DEPLOY, "N", NULL, 1, LIMIT_MAX, AT(max),
     "sessions that one group may hold, 1 to 100000"},
    {"max-for", 0, OPTION_RULE, ENFORCE | LIST | DEPLOY, "PATTERN=N", NULL, 0, LIMIT_MAX, 0,
     "limit for owners whose ARN matches the glob PATTERN; N is a number (0: none at all) or 'unlimited'; "
     "repeatable, the first match wins"},
    {"exempt", 0, OPTION_EXEMPT, ENFORCE | LIST | DEPLOY, "PATTERN", NULL, 0, 0, 0,
     "the same as --max-for PATTERN=unlimited"},
    {"per", 0, OPTION_CHOICE, ENFORCE | LIST | DEPLOY, "owner|role|all", "owner|role|all", 0, 0, AT(per),
     "what a group is: an owner ARN, all session names of one assumed role, or every session of the instance "
     "(default: owner)"},
    {"terminate", 0, OPTION_CHOICE, ENFORCE | LIST | DEPLOY, "oldest|newest", "oldest|newest", 0, 0,
     AT(terminate), "which sessions go first (default: oldest)"},
    {"notify-only", 0, OPTION_FLAG, ENFORCE | DEPLOY, NULL, NULL, 0, 0, AT(notify_only),
     "name the sessions that are over the limit, terminate none"},
    {"grace", 0, OPTION_NUMBER, ENFORCE | DEPLOY, "SECONDS", NULL, 2, 3600, AT(grace_s),
     "how long a user reads the message before the own session is terminated (default: 3)"},
    {"confirm", 0, OPTION_FLAG, ENFORCE | DEPLOY, NULL, NULL, 0, 0, AT(confirm),
     "after terminating, list again until the terminated sessions no longer count"},
    {"log", 0, OPTION_TEXT, ENFORCE | DEPLOY, "syslog|eventlog|none|FILE", NULL, 0, 0, AT(log),
     "where the audit record goes (default: the system's own log)"},
    {"clear", 0, OPTION_FLAG, ENFORCE | DEPLOY, NULL, NULL, 0, 0, AT(clear),
     "clear the terminal before the report"},
    {"instance-id", 0, OPTION_TEXT, INSTANCE, "ID", NULL, 0, 0, AT(instance_id),
     "the instance, where it is not to be found out"},
    {"session-id", 0, OPTION_TEXT, INSTANCE, "ID", NULL, 0, 0, AT(session_id),
     "the own session, where it is not to be found out"},

    {"all-regions", 0, OPTION_FLAG, ADMIN, NULL, NULL, 0, 0, AT(all_regions),
     "in all regions that the account has enabled"},
    {"on-failure", 0, OPTION_CHOICE, DEPLOY, "allow|deny", "allow|deny", 0, 0, AT(on_failure),
     "whether a session goes on when the limit can't be enforced (default: allow)"},
    {"linux-path", 0, OPTION_TEXT, DEPLOY | UNDEPLOY, "PATH", NULL, 0, 0, AT(linux_path),
     "where the executable lies on Linux (default: /usr/local/bin/ssm-enforce)"},
    {"windows-path", 0, OPTION_TEXT, DEPLOY | UNDEPLOY, "PATH", NULL, 0, 0, AT(windows_path),
     "where it lies on Windows (default: C:\\Program Files\\ssm-enforce\\ssm-enforce.exe)"},
    {"sudo", 0, OPTION_FLAG, DEPLOY, NULL, NULL, 0, 0, AT(sudo),
     "the Linux line runs it through 'sudo -n', for nodes whose credentials only root can read"},
    {"preferences", 0, OPTION_TEXT, DEPLOY, "FILE", NULL, 0, 0, AT(preferences),
     "replace the preferences by FILE (JSON), the profile line aside"},
    {"document-name", 0, OPTION_TEXT, ADMIN, "NAME", NULL, 0, 0, AT(document_name),
     "(default: SSM-SessionManagerRunShell)"},
    {"policy-name", 0, OPTION_TEXT, DEPLOY | UNDEPLOY, "NAME", NULL, 0, 0, AT(policy_name),
     "(default: SSMConcurrentSessionsPolicy)"},
    {"attach-role", 0, OPTION_LIST, DEPLOY, "ROLE", NULL, 0, 0, AT(attach_roles),
     "attach the policy to this instance role; repeatable"},
    {"skip-policy", 0, OPTION_FLAG, DEPLOY | UNDEPLOY, NULL, NULL, 0, 0, AT(skip_policy),
     "leave the policy alone"},
    {"skip-document", 0, OPTION_FLAG, DEPLOY | UNDEPLOY, NULL, NULL, 0, 0, AT(skip_document),
     "leave the document alone"},
    {"publish", 0, OPTION_TEXT, DEPLOY, "s3://BUCKET/PREFIX", NULL, 0, 0, AT(publish),
     "upload the executables and print the user-data that installs them"},
    {"binary", 0, OPTION_LIST, DEPLOY, "FILE", NULL, 0, 0, AT(binaries),
     "an executable to upload; repeatable"},
    {"backup-dir", 0, OPTION_TEXT, ADMIN, "DIR", NULL, 0, 0, AT(backup_dir),
     "where the preferences are saved before anything is changed (default: ./ssm-enforce-backup)"},
    {"dry-run", 0, OPTION_FLAG, ADMIN, NULL, NULL, 0, 0, AT(dry_run),
     "show the plan as a diff, change nothing"},
    {"yes", 0, OPTION_FLAG, ADMIN, NULL, NULL, 0, 0, AT(yes), "do not ask"},

    {"region", 0, OPTION_TEXT, WORK, "REGION", NULL, 0, 0, AT(region),
     "the region; deploy, undeploy and rollback take several: R,R,..."},
    {"profile", 0, OPTION_TEXT, WORK, "NAME", NULL, 0, 0, AT(profile),
     "a profile of the shared AWS config files"},
    {"endpoint-url", 0, OPTION_TEXT, WORK, "URL", NULL, 0, 0, AT(endpoint_url), "as in the AWS command line"},
    {"ca-bundle", 0, OPTION_TEXT, WORK, "FILE", NULL, 0, 0, AT(ca_bundle), "as in the AWS command line"},
    {"timeout", 0, OPTION_NUMBER, WORK, "SECONDS", NULL, 1, DAY_S, AT(timeout_s),
     "deadline of the whole run, waiting and retries included; for deploy, undeploy and rollback of each "
     "call "
     "(default: 10)"},
    {"output", 0, OPTION_CHOICE, WORK, "text|json", "text|json", 0, 0, AT(output),
     "report form on standard output (default: text)"},
    {"quiet", 'q', OPTION_FLAG, WORK, NULL, NULL, 0, 0, AT(quiet), "only errors"},
    {"verbose", 'v', OPTION_FLAG, WORK, NULL, NULL, 0, 0, AT(verbose),
     "every step with its time, never a secret"},
    {"help", 'h', OPTION_HELP, ALL, NULL, NULL, 0, 0, 0, "show this help"},
    {"version", 'V', OPTION_VERSION, ALL, NULL, NULL, 0, 0, 0, "show the version"},
};

static const struct command_text commands[COMMAND_COUNT] = {
    [COMMAND_ENFORCE] =
        {"enforce", "--max N [OPTION]...",
         "terminate this instance's sessions that are over the limit (the default command)",
         "Exit status: 0 the limit holds, 1 it could not be enforced, 2 usage or configuration "
         "error, 3 this very session was over the limit and was terminated.\n"
         "Profile line: 'ssm-enforce --max 3' lets a session go on when enforcement fails, "
         "'ssm-enforce --max 3 || exit' does not."},
    [COMMAND_LIST] = {"list", "[OPTION]...",
                      "show the active sessions and the verdict on each; terminates nothing", NULL},
    [COMMAND_DOCTOR] = {"doctor", "[OPTION]...",
                        "check every link of the chain and say how to mend what is broken", NULL},
    [COMMAND_DEPLOY] = {"deploy", "--max N [OPTION]...",
                        "push the Session Manager preferences with the profile line, and the IAM policy",
                        "Enforcement options given here go into the profile line. Safe to run again: when "
                        "everything is in place, nothing is changed."},
    [COMMAND_UNDEPLOY] = {"undeploy", "[OPTION]...",
                          "take the profile line and the policy out again, leave everything else", NULL},
    [COMMAND_ROLLBACK] = {"rollback", "[OPTION]...",
                          "make the document version before the present default the default again", NULL},
    [COMMAND_HELP] = {"help", "[COMMAND]", "show the help of a command", NULL},
    [COMMAND_VERSION] = {"version", "", "show the version", NULL},
};

const struct option *options_table(size_t *count)
{
    *count = sizeof table / sizeof table[0];
    return table;
}

const struct command_text *options_command(enum command_id command)
{
    return &commands[command];
}
