/* outside SECONDS: sleeps by libc's own function, past the library that is preloaded; linked
 * statically, there is none. Without SECONDS it reads, until nobody writes any more. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    char byte;
    if (count < 2)
        return (int)read(0, &byte, 1);
    double seconds = count > 1 ? atof(arguments[1]) : 0;
    struct timespec length = {seconds, (seconds - (long)seconds) * 1e9};
#ifdef STATIC
    return nanosleep(&length, NULL);
#else
    int (*real)(const struct timespec *, struct timespec *) =
        (int (*)(const struct timespec *, struct timespec *))dlsym(dlopen("libc.so.6", RTLD_LAZY),
                                                                   "nanosleep");
    return real(&length, NULL);
#endif
}
