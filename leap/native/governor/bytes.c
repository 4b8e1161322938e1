/* Bytes under way. Pipes and sockets of this machine are filled and their readers woken in one
 * step. TCP over loopback has two places in between: a packet may lie in a processor's backlog, and
 * bytes may lie in the sender's socket, held back until what went before them is acknowledged
 * (Nagle's algorithm, with an acknowledgement that is itself put off for 40 ms of real time).
 *
 * The kernel tells of both. Bytes that a receiver does not take, because it is stopped or does not
 * read, are not under way: nothing but the receiver can change that. */
#include "governor.h"

#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG_COLUMN 11 /* of /proc/net/softnet_stat, since Linux 5.10 */
#define SETTLE_NS 300000
#define SYN_SENT 2       /* states and timers as the kernel numbers them */
#define TIME_WAIT 6
#define LISTENS 10
#define RETRANSMITS 1

/* -- the backlog -------------------------------------------------------------------------- */

/* Whether a packet waits in some processor's backlog, -1 where the kernel does not tell; and how
 * many packets there have been so far. */
static int backlog(uint64_t *packets)
{
    static int fd = -1;
    char text[16384];
    if (fd < 0)
        fd = open("/proc/net/softnet_stat", O_RDONLY | O_CLOEXEC);
    ssize_t size = pread(fd, text, sizeof text - 1, 0);
    *packets = 0;
    if (size <= 0)
        return -1;
    text[size] = 0;
    int waiting = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *words = NULL, *word = strtok_r(line, " ", &words);
        *packets += word ? strtoul(word, NULL, 16) : 0;
        for (int column = 0; column < BACKLOG_COLUMN && word; column++)
            word = strtok_r(NULL, " ", &words);
        if (!word)
            return -1;
        waiting |= strtoul(word, NULL, 16) != 0;
    }
    return waiting;
}

/* -- connections -------------------------------------------------------------------------- */

struct end {
    bool there;
    int state, timer;
    uint64_t sent, received; /* bytes, each counted once */
    uint32_t held_back;
};

/* One end of a connection, looked up by its addresses, which spares the kernel a search. */
static struct end look_up(int netlink, const struct leap_connection *connection, bool reversed)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 body;
    } ask = {
        .head = {.nlmsg_len = sizeof ask, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST},
        .body = {.sdiag_family = connection->family,
                 .sdiag_protocol = IPPROTO_TCP,
                 .idiag_ext = 1 << (INET_DIAG_INFO - 1),
                 .idiag_states = ~0u},
    };
    struct inet_diag_sockid *id = &ask.body.id;
    id->idiag_sport = reversed ? connection->to_port : connection->from_port;
    id->idiag_dport = reversed ? connection->from_port : connection->to_port;
    memcpy(id->idiag_src, reversed ? connection->to : connection->from, 16);
    memcpy(id->idiag_dst, reversed ? connection->from : connection->to, 16);
    id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    struct end end = {0};
    char answer[4096] __attribute__((aligned(8)));
    if (send(netlink, &ask, sizeof ask, 0) < 0)
        return end;
    ssize_t size = recv(netlink, answer, sizeof answer, 0);
    struct nlmsghdr *head = (struct nlmsghdr *)answer;
    if (size < (ssize_t)sizeof *head || head->nlmsg_type != SOCK_DIAG_BY_FAMILY)
        return end;
    struct inet_diag_msg *message = NLMSG_DATA(head);
    /* Where an end is gone, the kernel answers with whoever listens at its port. */
    if (message->idiag_state == LISTENS || message->idiag_state == TIME_WAIT)
        return end;
    end.there = true;
    end.state = message->idiag_state;
    end.timer = message->idiag_timer;
    int left = (int)(head->nlmsg_len - NLMSG_LENGTH(sizeof *message));
    for (struct rtattr *each = (struct rtattr *)(message + 1); RTA_OK(each, left);
         each = RTA_NEXT(each, left)) {
        struct tcp_info info = {0};
        if (each->rta_type != INET_DIAG_INFO)
            continue;
        memcpy(&info, RTA_DATA(each), RTA_PAYLOAD(each) < sizeof info ? RTA_PAYLOAD(each) : sizeof info);
        end.sent = info.tcpi_bytes_sent - info.tcpi_bytes_retrans;
        end.received = info.tcpi_bytes_received;
        end.held_back = info.tcpi_notsent_bytes;
    }
    return end;
}

/* It has sent what the other has not received, or holds back what it will send by itself. What it
 * holds because the other takes nothing waits for another timer than this one. */
static bool sends(const struct end *from, const struct end *to)
{
    if (!from->there || from->timer != RETRANSMITS)
        return false;
    return from->held_back || !to->there || from->sent > to->received;
}

/* Whether any connection has bytes under way; `quiet` if none has anything unacknowledged either,
 * so that the next write is sent at once. */
static bool connections_send(bool *quiet)
{
    static int netlink = -2;
    if (netlink == -2)
        netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    *quiet = true;
    if (netlink < 0)
        return false;
    bool any = false;
    uint32_t top = atomic_load(&page->connections_top);
    for (uint32_t each = 0; each < top; each++) {
        struct leap_connection *connection = &page->connections[each];
        if (atomic_load(&connection->state) != 2)
            continue;
        struct end ends[2] = {look_up(netlink, connection, false), look_up(netlink, connection, true)};
        if (!ends[0].there && !ends[1].there) {
            atomic_store(&connection->state, 0);
            continue;
        }
        *quiet &= ends[0].timer != RETRANSMITS && ends[1].timer != RETRANSMITS;
        any |= ends[0].state == SYN_SENT || sends(&ends[0], &ends[1]) || sends(&ends[1], &ends[0]);
    }
    return any;
}

bool bytes_under_way(void)
{
    static uint64_t packets_when_quiet;
    uint64_t packets;
    int waiting = backlog(&packets);
    if (waiting > 0)
        return true;
    if (waiting < 0) {
        struct timespec settle = {0, SETTLE_NS};
        nanosleep(&settle, NULL);
    } else if (packets == packets_when_quiet) {
        return false;
    }
    bool quiet;
    if (connections_send(&quiet))
        return true;
    packets_when_quiet = quiet ? packets : 0;
    return false;
}
