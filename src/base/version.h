/* version.h - the one place that names the version. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define SSM_ENFORCE_VERSION "1.0.0"

#endif
