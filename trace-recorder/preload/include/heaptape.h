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

#ifdef __cplusplus
extern "C" {
#endif

/* Records that a phase called `name` begins, in the calling thread. Of a name above 1,024 bytes the start is kept. */
extern void heaptape_mark(const char *name) __attribute__((weak));

#ifdef __cplusplus
}
#endif

/* heaptape_mark, if the program is being recorded. */
#define heaptape_phase(name)            \
    do {                                \
        if (heaptape_mark)              \
            heaptape_mark(name);        \
    } while (0)

#endif
