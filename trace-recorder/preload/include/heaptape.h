/* heaptape: naming a program's phases, for `heaptape record -- program`.
 *
 *     #include "heaptape.h"
 *     heaptape_phase("loading");
 *
 * Nothing needs to be linked. The function is there when the program runs under `heaptape record`; otherwise the macro
 * does nothing. SPDX-License-Identifier: MIT OR Apache-2.0
 */
#ifndef HEAPTAPE_H
#define HEAPTAPE_H

#include <dlfcn.h>

/* Records that a phase called `name` begins, in the calling thread, if the program is being recorded. Of a name above 1,024
 * bytes the start is kept. The recorder is looked for when the first phase begins (an undefined weak symbol would be
 * resolved to nothing when the program is linked). */
static inline void heaptape_phase(const char *name)
{
    static void (*mark)(const char *);
    static int looked;

    if (!looked) {
        /* A null handle is RTLD_DEFAULT, which only some headers show. */
        mark = (void (*)(const char *))dlsym((void *)0, "heaptape_mark");
        looked = 1;
    }
    if (mark)
        mark(name);
}

#endif
