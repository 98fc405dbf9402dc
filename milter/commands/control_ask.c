/* control_ask.c - asks the running daemon.
 *
 * Errors: an errno. */
#include "milter/commands/control_ask.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_S 10

static int read_answer(int fd, struct arena *a, struct str *answer)
{
    char block[16384];
    struct strbuf b;
    ssize_t n;
    sb_init(&b, a);
    while ((n = read(fd, block, sizeof block)) > 0)
        sb_add(&b, (struct str){block, (size_t)n});
    if (n < 0)
        return errno;
    *answer = sb_str(&b);
    return answer->n ? 0 : EACCES; /* it closed without a word: we may not ask */
}

int control_ask(struct str path, const char *question, struct arena *a, struct str *answer)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path.n >= sizeof address.sun_path)
        return ENAMETOOLONG;
    memcpy(address.sun_path, path.p, path.n);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    bool sent = !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) &&
                !connect(fd, (const struct sockaddr *)&address, sizeof address) &&
                send(fd, question, strlen(question), MSG_NOSIGNAL) >= 0;
    int problem = sent ? read_answer(fd, a, answer) : errno;
    close(fd);
    return problem;
}
