/* An object that allocates while it is loaded, used, and unloaded. */
#include <stdlib.h>
#include <string.h>

static char *made_at_load;
static _Thread_local char *of_thread;

__attribute__((constructor)) static void load(void) { made_at_load = strdup("made at load"); }
__attribute__((destructor)) static void unload(void) { free(made_at_load); }

void *plugin_make(size_t size)
{
    free(of_thread);
    of_thread = malloc(100);
    char *block = malloc(size);
    memset(block, 6, size);
    return block;
}

void plugin_take(void *block) { free(block); }
