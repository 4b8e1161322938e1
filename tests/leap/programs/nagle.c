/* nagle: a client whose second write is held back until the first is acknowledged, which the kernel
 * puts off, while everybody sleeps: nobody but the kernel does anything. Prints how long the second
 * write took to arrive, in seconds. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), ends[2];
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1) || pipe(ends))
        return 1;
    getsockname(listener, (struct sockaddr *)&address, &size);
    if (!fork()) {
        int server = accept(listener, NULL, NULL);
        char byte;
        double began, worst = 0;
        for (int each = 0; each < 20; each++) { /* a conversation: acknowledgements are put off */
            if (read(server, &byte, 1) != 1 || write(server, &byte, 1) != 1)
                return 1;
        }
        for (int each = 0; each < 5; each++) {
            if (read(server, &byte, 1) != 1)
                return 1;
            began = now();
            if (read(server, &byte, 1) != 1)
                return 1;
            if (now() - began > worst)
                worst = now() - began;
            if (write(server, &byte, 1) != 1)
                return 1;
        }
        printf("%f\n", worst);
        return 0;
    }
    int client = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(client, (struct sockaddr *)&address, size))
        return 1;
    char byte = 'x';
    for (int each = 0; each < 20; each++)
        if (write(client, &byte, 1) != 1 || read(client, &byte, 1) != 1)
            return 1;
    for (int each = 0; each < 5; each++) {
        usleep(500000);
        if (write(client, &byte, 1) != 1 || write(client, &byte, 1) != 1)
            return 1;
        if (read(client, &byte, 1) != 1)
            return 1;
    }
    int status;
    wait(&status);
    return status;
}
