#include "base/err.h"

#include <stdio.h>
#include <string.h>

bool err_setv(struct err *err, enum err_code code, const char *format, va_list args)
{
    err->code = code;
    err->service_code[0] = '\0';
    if (vsnprintf(err->message, sizeof err->message, format, args) < 0)
        err->message[0] = '\0';
    return false;
}

bool err_set(struct err *err, enum err_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err_setv(err, code, format, args);
    va_end(args);
    return false;
}

bool err_prefix(struct err *err, const char *format, ...)
{
    char whole[sizeof err->message];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(whole, sizeof whole, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof whole - 3)
        return false;
    int room = (int)sizeof whole - len - 3;
    (void)snprintf(whole + len, sizeof whole - (size_t)len, ": %.*s", room, err->message);
    memcpy(err->message, whole, sizeof whole);
    return false;
}

bool err_nomem(struct err *err)
{
    return err_set(err, ERR_NOMEM, "out of memory");
}

void err_clear(struct err *err)
{
    err->code = ERR_NONE;
    err->service_code[0] = '\0';
    err->message[0] = '\0';
}
