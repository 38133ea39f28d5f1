#include "aws/profiles.h"

#include <stdlib.h>
#include <string.h>

#include "format/ini_read.h"
#include "format/text_shown.h"
#include "platform/platform.h"

enum { FILE_SIZE_MAX = 4 * 1024 * 1024, SETTINGS_MAX = 20000 };

enum section_kind { SECTION_PROFILE, SECTION_SSO };

struct profiles_setting {
    struct profiles_setting *older;
    enum profiles_file file;
    enum section_kind kind;
    char *name; /* of the profile or the sso-session */
    char *key;
    char *value;
};

struct reading {
    struct profiles *profiles;
    enum profiles_file file;
};

static void setting_free(struct profiles_setting *setting)
{
    free(setting->name);
    free(setting->key);
    text_wipe(setting->value);
    free(setting);
}

void profiles_free(struct profiles *profiles)
{
    if (!profiles)
        return;
    while (profiles->newest) {
        struct profiles_setting *older = profiles->newest->older;
        setting_free(profiles->newest);
        profiles->newest = older;
    }
    *profiles = (struct profiles){0};
}

static const char *behind(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* What a section of the config file is about; false for one that is neither a profile nor an sso-session. */
static bool config_section(const char *section, enum section_kind *kind, const char **name)
{
    *kind = SECTION_PROFILE;
    *name = strcmp(section, "default") == 0 ? section : behind(section, "profile ");
    if (!*name) {
        *kind = SECTION_SSO;
        *name = behind(section, "sso-session ");
    }
    return *name != NULL;
}

static bool take_setting(void *ctx, const char *section, const char *key, const char *value, struct err *err)
{
    const struct reading *reading = ctx;
    struct profiles *profiles = reading->profiles;
    enum section_kind kind = SECTION_PROFILE;
    const char *name = section;
    if (reading->file == PROFILES_CONFIG && !config_section(section, &kind, &name))
        return true;
    if (profiles->count == SETTINGS_MAX)
        return err_set(err, ERR_MALFORMED, "more than %d settings", SETTINGS_MAX);
    struct profiles_setting *setting = malloc(sizeof *setting);
    if (!setting)
        return err_nomem(err);
    *setting = (struct profiles_setting){.older = profiles->newest,
                                         .file = reading->file,
                                         .kind = kind,
                                         .name = text_dup(name),
                                         .key = text_dup(key),
                                         .value = text_dup(value)};
    if (!setting->name || !setting->key || !setting->value) {
        setting_free(setting);
        return err_nomem(err);
    }
    profiles->newest = setting;
    profiles->count++;
    return true;
}

bool profiles_home_path(const char *name, struct buf *out)
{
    if (!platform_home(out))
        return false;
    buf_addf(out, "/.aws/%s", name);
    return !out->failed;
}

/* The file's path by its variable ("~/..." included), else in the home directory. False: there is none. */
static bool find_path(const struct env *env, const char *variable, const char *name, struct buf *out)
{
    const char *path = env_get(env, variable);
    if (!path)
        return profiles_home_path(name, out);
    if (path[0] == '~' && (path[1] == '/' || path[1] == '\\')) {
        if (!platform_home(out))
            return false;
        path++;
    }
    return buf_add_text(out, path);
}

static bool load_file(struct profiles *profiles, enum profiles_file file, const struct env *env,
                      struct err *err)
{
    bool config = file == PROFILES_CONFIG;
    struct reading reading = {.profiles = profiles, .file = file};
    struct buf path = {0};
    struct buf text = {.max = FILE_SIZE_MAX, .secret = true};
    bool ok = true;
    if (find_path(env, config ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE",
                  config ? "config" : "credentials", &path))
        ok = platform_read_file(path.data, &text, err) || err->code == ERR_NOT_FOUND;
    ok = ok && ini_read(buf_text(&text), text.len, take_setting, &reading, err);
    if (!ok && err->code != ERR_NOMEM) {
        char shown[TEXT_SHOWN_MAX];
        err->code = ERR_CONFIG;
        err_prefix(err, "'%s'", text_shown(shown, buf_text(&path)));
    }
    buf_free(&text);
    buf_free(&path);
    return ok;
}

bool profiles_load(struct profiles *out, const struct env *env, struct err *err)
{
    bool ok = load_file(out, PROFILES_CONFIG, env, err) && load_file(out, PROFILES_CREDENTIALS, env, err);
    if (ok)
        err_clear(err);
    return ok;
}

bool profiles_has(const struct profiles *profiles, const char *name)
{
    for (const struct profiles_setting *setting = profiles->newest; setting; setting = setting->older)
        if (setting->kind == SECTION_PROFILE && strcmp(setting->name, name) == 0)
            return true;
    return false;
}

/* Of several the last one in the file. Keys were read in lower case. */
static const char *get(const struct profiles *profiles, enum profiles_file file, enum section_kind kind,
                       const char *name, const char *key)
{
    for (const struct profiles_setting *setting = profiles->newest; setting; setting = setting->older)
        if (setting->file == file && setting->kind == kind && strcmp(setting->name, name) == 0 &&
            strcmp(setting->key, key) == 0)
            return *setting->value ? setting->value : NULL;
    return NULL;
}

const char *profiles_get_in(const struct profiles *profiles, enum profiles_file file, const char *name,
                            const char *key)
{
    return get(profiles, file, SECTION_PROFILE, name, key);
}

const char *profiles_get(const struct profiles *profiles, const char *name, const char *key)
{
    const char *value = profiles_get_in(profiles, PROFILES_CREDENTIALS, name, key);
    return value ? value : profiles_get_in(profiles, PROFILES_CONFIG, name, key);
}

const char *profiles_get_sso(const struct profiles *profiles, const char *name, const char *key)
{
    return get(profiles, PROFILES_CONFIG, SECTION_SSO, name, key);
}
