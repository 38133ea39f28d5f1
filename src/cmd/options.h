/*
 * options.h - the command line. One table gives the parser, the help, the completions and the man page.
 */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "core/plan.h"

enum command_id {
    COMMAND_ENFORCE,
    COMMAND_LIST,
    COMMAND_DOCTOR,
    COMMAND_DEPLOY,
    COMMAND_UNDEPLOY,
    COMMAND_ROLLBACK,
    COMMAND_HELP,
    COMMAND_VERSION,
    COMMAND_COUNT
};

enum output_form { OUTPUT_TEXT, OUTPUT_JSON };
enum failure_policy { FAILURE_ALLOW, FAILURE_DENY };

/* A repeatable option's values, borrowed from argv. */
struct text_list {
    const char **items;
    size_t count;
};

/* Values of all options. Texts are borrowed from argv (patterns of rules are owned). Released by
 * options_free. */
struct options {
    enum command_id command;
    const char *topic; /* help COMMAND */

    int64_t max; /* 0: not given */
    struct plan_rule *rules;
    size_t rule_count;
    int per;       /* enum plan_per */
    int terminate; /* enum plan_order */
    bool notify_only;
    int64_t grace_s;
    bool confirm;
    const char *instance_id, *session_id, *region, *profile, *endpoint_url, *ca_bundle;
    int64_t timeout_s;
    int output; /* enum output_form */
    const char *log;
    bool clear, quiet, verbose;

    bool all_regions;
    int on_failure; /* enum failure_policy */
    const char *linux_path, *windows_path;
    bool sudo;
    const char *preferences, *document_name, *policy_name;
    struct text_list attach_roles;
    bool skip_policy, skip_document;
    const char *publish;
    struct text_list binaries;
    const char *backup_dir;
    bool dry_run, yes;
};

/* ERR_USAGE with one line that names the option and the allowed values. `out` is freed by options_free in any
 * case. */
bool options_parse(int argc, char **argv, struct options *out, struct err *err);
void options_free(struct options *options);

/* The help of the program (COMMAND_HELP) or of one command, at most `width` columns. */
void options_help(struct buf *out, enum command_id command, size_t width);

/* ---- the table, for what is generated from it ---- */

enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_NUMBER,
    OPTION_CHOICE,
    OPTION_LIST,   /* repeatable text */
    OPTION_RULE,   /* PATTERN=N, repeatable */
    OPTION_EXEMPT, /* PATTERN, repeatable, into the same rules */
    OPTION_HELP,
    OPTION_VERSION
};

struct option {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    enum option_kind kind;
    unsigned commands;    /* bit 1 << command_id for each command that takes it */
    const char *argument; /* as the help shows it; NULL for a flag */
    const char *choices;  /* OPTION_CHOICE: "owner|role|all", in the order of the enum */
    int64_t min, max;     /* OPTION_NUMBER */
    size_t offset;        /* of the value in struct options */
    const char *help;
};

struct command_text {
    const char *name;
    const char *synopsis; /* behind "ssm-enforce" */
    const char *summary;
    const char *details; /* NULL: none */
};

/* All options, in the order of the help. */
const struct option *options_table(size_t *count);
const struct command_text *options_command(enum command_id command);

#endif
