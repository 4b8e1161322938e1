/* Sockets: calls with SO_RCVTIMEO or SO_SNDTIMEO wait in poll, on the run's clock, before they go
 * to the kernel; and each connection that is opened is told to the governor, which looks whether
 * bytes are under way on it. */
#include "leap.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Descriptors that once had a timeout; whether they still have is asked where it matters. */
#define MOST_FDS 65536
static _Atomic uint8_t timed[MOST_FDS];
static _Atomic bool any_timed;

EXPORT int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
    if (level == SOL_SOCKET && (option == SO_RCVTIMEO || option == SO_SNDTIMEO) && fd >= 0 &&
        fd < MOST_FDS && leap_on()) {
        atomic_store(&timed[fd], 1);
        atomic_store(&any_timed, true);
    }
    return REAL(setsockopt)(fd, level, option, value, length);
}

/* Wait until the socket is ready; false, with errno, where its time came first. */
static bool ready(int fd, int option, short events, int flags)
{
    if (!atomic_load_explicit(&any_timed, memory_order_relaxed) || fd < 0 || fd >= MOST_FDS ||
        !atomic_load_explicit(&timed[fd], memory_order_relaxed) || flags & MSG_DONTWAIT)
        return true;
    int kept = errno;
    struct timeval t = {0, 0};
    socklen_t size = sizeof t;
    bool is = true;
    if (getsockopt(fd, SOL_SOCKET, option, &t, &size) == 0 && (t.tv_sec || t.tv_usec) &&
        !(fcntl(fd, F_GETFL) & O_NONBLOCK)) {
        struct pollfd look = {fd, events, 0};
        struct timespec length = leap_timespec(leap_ns(t.tv_sec, t.tv_usec * 1000LL));
        int rc = ppoll(&look, 1, &length, NULL);
        if (rc <= 0) {
            if (rc == 0)
                errno = EAGAIN;
            return false;
        }
    }
    errno = kept;
    return is;
}

#define RECEIVES(fd, flags, call) (ready(fd, SO_RCVTIMEO, POLLIN, flags) ? (call) : -1)
#define SENDS(fd, flags, call) (ready(fd, SO_SNDTIMEO, POLLOUT, flags) ? (call) : -1)

EXPORT ssize_t recv(int fd, void *data, size_t size, int flags)
{
    return RECEIVES(fd, flags, REAL(recv)(fd, data, size, flags));
}

EXPORT ssize_t __recv_chk(int fd, void *data, size_t size, size_t room, int flags)
{
    (void)room;
    return recv(fd, data, size, flags);
}

EXPORT ssize_t recvfrom(int fd, void *restrict data, size_t size, int flags,
                        struct sockaddr *restrict from, socklen_t *restrict length)
{
    return RECEIVES(fd, flags, REAL(recvfrom)(fd, data, size, flags, from, length));
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    return RECEIVES(fd, flags, REAL(recvmsg)(fd, message, flags));
}

EXPORT ssize_t read(int fd, void *data, size_t size)
{
    return RECEIVES(fd, 0, REAL(read)(fd, data, size));
}

EXPORT ssize_t __read_chk(int fd, void *data, size_t size, size_t room)
{
    (void)room;
    return read(fd, data, size);
}

EXPORT ssize_t readv(int fd, const struct iovec *parts, int count)
{
    return RECEIVES(fd, 0, REAL(readv)(fd, parts, count));
}

EXPORT ssize_t send(int fd, const void *data, size_t size, int flags)
{
    return SENDS(fd, flags, REAL(send)(fd, data, size, flags));
}

EXPORT ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
                      socklen_t length)
{
    return SENDS(fd, flags, REAL(sendto)(fd, data, size, flags, to, length));
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    return SENDS(fd, flags, REAL(sendmsg)(fd, message, flags));
}

EXPORT ssize_t write(int fd, const void *data, size_t size)
{
    return SENDS(fd, 0, REAL(write)(fd, data, size));
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return SENDS(fd, 0, REAL(writev)(fd, parts, count));
}

EXPORT int accept(int fd, struct sockaddr *restrict from, socklen_t *restrict length)
{
    return RECEIVES(fd, 0, REAL(accept)(fd, from, length));
}

EXPORT int accept4(int fd, struct sockaddr *restrict from, socklen_t *restrict length, int flags)
{
    return RECEIVES(fd, 0, REAL(accept4)(fd, from, length, flags));
}

/* -- connections --------------------------------------------------------------------------- */

static void write_end(const struct sockaddr_storage *address, uint8_t *where, uint16_t *port)
{
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)address;
        memcpy(where, &four->sin_addr, 4);
        *port = four->sin_port;
    } else {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
        memcpy(where, &six->sin6_addr, 16);
        *port = six->sin6_port;
    }
}

void leap_tell_connection(int fd, const struct sockaddr *to, socklen_t length)
{
    int kind = 0;
    socklen_t size = sizeof kind;
    struct sockaddr_storage from = {0}, target = {0};
    socklen_t from_size = sizeof from;
    if ((to->sa_family != AF_INET && to->sa_family != AF_INET6) ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &size) || kind != SOCK_STREAM ||
        getsockname(fd, (struct sockaddr *)&from, &from_size) || length > sizeof target)
        return;
    memcpy(&target, to, length);
    uint16_t from_port, to_port;
    uint8_t ends[2][16] = {{0}};
    write_end(&from, ends[0], &from_port);
    write_end(&target, ends[1], &to_port);
    for (uint32_t at = 0; at < LEAP_CONNECTIONS; at++) {
        struct leap_connection *place = &leap_page->connections[at];
        uint32_t nobody = 0;
        if (!atomic_compare_exchange_strong(&place->state, &nobody, 1))
            continue;
        uint32_t top = atomic_load(&leap_page->connections_top);
        while (top <= at &&
               !atomic_compare_exchange_weak(&leap_page->connections_top, &top, at + 1))
            ;
        place->family = from.ss_family;
        place->from_port = from_port;
        place->to_port = to_port;
        memcpy(place->from, ends[0], 16);
        memcpy(place->to, ends[1], 16);
        atomic_store(&place->state, 2);
        return;
    }
    atomic_fetch_add(&leap_page->lost, 1); /* nobody would look at it */
}

EXPORT int connect(int fd, const struct sockaddr *to, socklen_t length)
{
    if (!leap_on())
        return REAL(connect)(fd, to, length);
    int rc = REAL(connect)(fd, to, length);
    int kept = errno;
    if (rc == 0 || kept == EINPROGRESS)
        leap_tell_connection(fd, to, length);
    errno = kept;
    return rc;
}
