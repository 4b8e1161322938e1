/* Where each field of the page's head lies, and how large the page is. */
#include "page.h"

#include <stddef.h>
#include <stdio.h>

#define FIELD(name) printf("%s %zu\n", #name, offsetof(struct leap_page, name))

int main(void)
{
    FIELD(magic);
    FIELD(layout);
    FIELD(offset_ns);
    FIELD(holds);
    FIELD(why);
    FIELD(births);
    FIELD(timers_top);
    FIELD(connections_top);
    FIELD(leaps);
    FIELD(looks);
    FIELD(worst_overshoot_ns);
    FIELD(worst_late_ns);
    FIELD(late_waits);
    FIELD(ended_waits);
    FIELD(governor_pid);
    FIELD(runner);
    FIELD(lost);
    FIELD(off_clock);
    FIELD(guests);
    FIELD(skew_ns);
    printf("%zu\n", sizeof(struct leap_page));
    return 0;
}
