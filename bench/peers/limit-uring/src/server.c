/* The least a single-threaded io_uring server can do; what a request costs here is the kernel's.
 *
 * One multishot accept, one multishot receive per connection, one ring of buffers that the kernel
 * takes from, and one system call per turn, which submits all that the turn before came to and
 * waits. Per receive: count the blank lines, send that many copies of a fixed response. The size
 * of the response is chosen by one byte of the path; a connection whose request ends with
 * "close" is shut down behind the response.
 *
 * Not here: HTTP. A blank line cut in two by a packet border is not seen, nor is a body.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Submissions per turn: a receive may ask for a send, and a connection that ends for a close. More
 * than fit are submitted early. */
#define SQ_ENTRIES 4096u
#define CQ_ENTRIES 32768u

/* Small enough to stay in the cache, and enough for a turn of as many connections as are
 * compared. A receive that finds none left is armed again. */
#define BUFFERS 1024u
#define BUFFER_BYTES 2048u
#define BUFFER_GROUP 0

/* Responses that one receive may ask for: a full buffer of the shortest thing counted. */
#define MAX_BATCH (BUFFER_BYTES / 4)

#define BACKLOG 4096

/* What a completion belongs to, above the descriptor in its user data. */
enum kind { ACCEPT = 1, RECEIVE = 2, NOTHING = 3 };

static const char HEAD[] = "HTTP/1.1 200 OK\r\n"
                           "content-length: %zu\r\n"
                           "content-type: text/plain\r\n"
                           "date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                           "server: limit\r\n\r\n";
static const char HELLO[] = "Hello, world!\n";

struct bytes {
    char *data;
    size_t length;
};

struct ring {
    int fd;
    _Atomic unsigned *sq_head, *sq_tail, *cq_head, *cq_tail;
    unsigned sq_mask, cq_mask, sq_next;
    struct io_uring_sqe *sqes;
    struct io_uring_cqe *cqes;
    struct io_uring_buf_ring *buffers;
    char *memory;
    uint16_t buffers_next;
    /* Connections to shut down once their responses are submitted: as an operation of the ring, a
     * shutdown always goes through a thread of the kernel's. */
    int ending[BUFFERS];
    unsigned ending_count;
};

static struct ring ring;
static struct bytes hello, sized_64k, sized_1m;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void *map(size_t bytes, int fd, off_t offset) {
    int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED | MAP_POPULATE;
    void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, offset);
    if (mapped == MAP_FAILED) fail("cannot map the ring");
    return mapped;
}

static void give_buffer(unsigned id) {
    struct io_uring_buf *slot = &ring.buffers->bufs[ring.buffers_next & (BUFFERS - 1)];
    slot->addr = (uintptr_t)(ring.memory + (size_t)id * BUFFER_BYTES);
    slot->len = BUFFER_BYTES;
    slot->bid = (uint16_t)id;
    ring.buffers_next++;
}

static void publish_buffers(void) {
    atomic_store_explicit((_Atomic uint16_t *)&ring.buffers->tail, ring.buffers_next,
                          memory_order_release);
}

static void open_buffers(void) {
    ring.memory = map((size_t)BUFFERS * BUFFER_BYTES, -1, 0);
    ring.buffers = map(BUFFERS * sizeof(struct io_uring_buf), -1, 0);
    struct io_uring_buf_reg reg = {
        .ring_addr = (uintptr_t)ring.buffers, .ring_entries = BUFFERS, .bgid = BUFFER_GROUP};
    if (syscall(__NR_io_uring_register, ring.fd, IORING_REGISTER_PBUF_RING, &reg, 1) < 0)
        fail("cannot register buffers");
    for (unsigned id = 0; id < BUFFERS; id++) give_buffer(id);
    publish_buffers();
}

static void open_ring(void) {
    struct io_uring_params params = {.cq_entries = CQ_ENTRIES};
    params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                   IORING_SETUP_SUBMIT_ALL;
    ring.fd = (int)syscall(__NR_io_uring_setup, SQ_ENTRIES, &params);
    if (ring.fd < 0) fail("cannot set up io_uring");
    size_t sq_bytes = params.sq_off.array + params.sq_entries * sizeof(unsigned);
    size_t cq_bytes = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
    char *shared = map(sq_bytes > cq_bytes ? sq_bytes : cq_bytes, ring.fd, IORING_OFF_SQ_RING);
    ring.sq_head = (_Atomic unsigned *)(shared + params.sq_off.head);
    ring.sq_tail = (_Atomic unsigned *)(shared + params.sq_off.tail);
    ring.cq_head = (_Atomic unsigned *)(shared + params.cq_off.head);
    ring.cq_tail = (_Atomic unsigned *)(shared + params.cq_off.tail);
    ring.sq_mask = params.sq_entries - 1;
    ring.cq_mask = params.cq_entries - 1;
    ring.cqes = (struct io_uring_cqe *)(shared + params.cq_off.cqes);
    ring.sqes = map(params.sq_entries * sizeof(struct io_uring_sqe), ring.fd, IORING_OFF_SQES);
    unsigned *array = (unsigned *)(shared + params.sq_off.array);
    for (unsigned i = 0; i < params.sq_entries; i++) array[i] = i;
    open_buffers();
}

/* Submits what has gathered and waits for so many completions. */
static void enter(unsigned wait_for) {
    unsigned submitted = atomic_load_explicit(ring.sq_head, memory_order_acquire);
    atomic_store_explicit(ring.sq_tail, ring.sq_next, memory_order_release);
    long result = syscall(__NR_io_uring_enter, ring.fd, ring.sq_next - submitted, wait_for,
                          IORING_ENTER_GETEVENTS, NULL, 0);
    if (result < 0 && errno != EINTR && errno != EAGAIN && errno != EBUSY)
        fail("cannot wait for completions");
}

static struct io_uring_sqe *next_sqe(uint8_t opcode, int fd, enum kind kind) {
    while (ring.sq_next - atomic_load_explicit(ring.sq_head, memory_order_acquire) > ring.sq_mask)
        enter(0);
    struct io_uring_sqe *sqe = &ring.sqes[ring.sq_next++ & ring.sq_mask];
    memset(sqe, 0, sizeof *sqe);
    sqe->opcode = opcode;
    sqe->fd = fd;
    sqe->user_data = (uint64_t)kind << 32 | (uint32_t)fd;
    /* Only failures of these are of interest, and not even those. */
    if (kind == NOTHING) sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
    return sqe;
}

static void arm_accept(int listener) {
    next_sqe(IORING_OP_ACCEPT, listener, ACCEPT)->ioprio = IORING_ACCEPT_MULTISHOT;
}

static void arm_receive(int fd) {
    struct io_uring_sqe *sqe = next_sqe(IORING_OP_RECV, fd, RECEIVE);
    sqe->ioprio = IORING_RECV_MULTISHOT;
    sqe->flags = IOSQE_BUFFER_SELECT;
    sqe->buf_group = BUFFER_GROUP;
}

/* Written so that compilers make vector code of it: sums of bytes that can't overflow. */
static unsigned blank_lines(const char *input, size_t length) {
    unsigned found = 0;
    for (size_t at = 0; at + 3 < length;) {
        size_t left = length - 3 - at;
        size_t end = at + (left < 128 ? left : 128);
        uint8_t few = 0;
        for (; at < end; at++)
            few += (input[at] == '\r') & (input[at + 1] == '\n') & (input[at + 2] == '\r') &
                   (input[at + 3] == '\n');
        found += few;
    }
    return found;
}

static void answer(int fd, const char *input, size_t length) {
    static const char CLOSE[] = "close\r\n\r\n";
    unsigned asked = blank_lines(input, length);
    if (asked == 0) return;
    const struct bytes *body = &hello;
    size_t bytes = asked * hello.length;
    if (length > 5 && (input[5] == '6' || input[5] == '1')) {
        body = input[5] == '6' ? &sized_64k : &sized_1m;
        bytes = body->length;
    }
    int is_last = length >= sizeof CLOSE - 1 &&
                  memcmp(input + length - (sizeof CLOSE - 1), CLOSE, sizeof CLOSE - 1) == 0;
    struct io_uring_sqe *sqe = next_sqe(IORING_OP_SEND, fd, NOTHING);
    sqe->addr = (uintptr_t)body->data;
    sqe->len = (unsigned)bytes;
    sqe->msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
    if (is_last) ring.ending[ring.ending_count++] = fd;
}

static void received(int fd, const struct io_uring_cqe *cqe) {
    if (cqe->flags & IORING_CQE_F_BUFFER) {
        unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
        if (cqe->res > 0) answer(fd, ring.memory + (size_t)id * BUFFER_BYTES, (size_t)cqe->res);
        give_buffer(id);
    }
    if (cqe->flags & IORING_CQE_F_MORE) return;
    if (cqe->res > 0 || cqe->res == -ENOBUFS)
        arm_receive(fd);
    else
        next_sqe(IORING_OP_CLOSE, fd, NOTHING);
}

static void completed(const struct io_uring_cqe *cqe) {
    int fd = (int)(uint32_t)cqe->user_data;
    switch ((enum kind)(cqe->user_data >> 32)) {
    case ACCEPT:
        if (cqe->res >= 0) arm_receive(cqe->res);
        if (!(cqe->flags & IORING_CQE_F_MORE)) arm_accept(fd);
        break;
    case RECEIVE: received(fd, cqe); break;
    case NOTHING: break;
    }
}

static void turn(void) {
    if (ring.ending_count > 0) {
        enter(0);
        while (ring.ending_count > 0) shutdown(ring.ending[--ring.ending_count], SHUT_WR);
    }
    enter(1);
    unsigned head = atomic_load_explicit(ring.cq_head, memory_order_relaxed);
    unsigned tail = atomic_load_explicit(ring.cq_tail, memory_order_acquire);
    /* Each answered receive has taken a buffer, so `ending` has room for all of a turn. */
    for (; head != tail; head++) completed(&ring.cqes[head & ring.cq_mask]);
    atomic_store_explicit(ring.cq_head, head, memory_order_release);
    publish_buffers();
}

/* `count` responses in a row, with `body` or, without one, `length` letters. */
static struct bytes responses(const char *body, size_t length, unsigned count) {
    char head[256];
    size_t head_length = (size_t)snprintf(head, sizeof head, HEAD, length);
    size_t each = head_length + length;
    char *data = malloc(each * count);
    if (data == NULL) fail("no memory");
    for (unsigned i = 0; i < count; i++) {
        memcpy(data + i * each, head, head_length);
        if (body != NULL)
            memcpy(data + i * each + head_length, body, length);
        else
            memset(data + i * each + head_length, 'x', length);
    }
    return (struct bytes){data, each};
}

static int listen_on(const char *text) {
    char host[64];
    const char *colon = strrchr(text, ':');
    struct sockaddr_in address = {.sin_family = AF_INET};
    if (colon == NULL || (size_t)(colon - text) >= sizeof host) return -1;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) return -1;
    address.sin_port = htons((uint16_t)atoi(colon + 1));
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    /* Inherited by what is accepted. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, BACKLOG) < 0)
        return -1;
    return fd;
}

int main(int argc, char **argv) {
    if (argc != 3 || strcmp(argv[1], "--listen") != 0) {
        fputs("the only and required option is --listen ADDR\n", stderr);
        return 2;
    }
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int listener = listen_on(argv[2]);
    if (listener < 0) fail("cannot listen");
    hello = responses(HELLO, sizeof HELLO - 1, MAX_BATCH);
    sized_64k = responses(NULL, 64 << 10, 1);
    sized_1m = responses(NULL, 1 << 20, 1);
    open_ring();
    arm_accept(listener);
    for (;;) turn();
}
