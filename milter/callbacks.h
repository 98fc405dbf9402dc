/* callbacks.h - what libmilter calls. */
#ifndef ASSAY_MILTER_CALLBACKS_H
#define ASSAY_MILTER_CALLBACKS_H

#include "milter/runtime.h"

/* Tells libmilter about us. `rt` has to outlive the process's last connection. */
bool callbacks_register(struct runtime *rt);

#endif
