/* header.c - the edits of filters, applied as an MTA does. Errors: die(). */
#include "header.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <libmilter/mfdef.h>

#include "figures.h"

void header_set(struct header *h, const char *text, size_t n)
{
    if (n > HEADER_MAX)
        die("a long header");
    memcpy(h->text, text, n);
    h->size = n;
    h->text[n] = '\0';
}

char *header_next(char *at)
{
    do {
        char *end = strstr(at, "\r\n");
        if (!end)
            die("a header line without end");
        at = end + 2;
    } while (*at == ' ' || *at == '\t');
    return at;
}

/* Makes n bytes of room where the field at `at` begins; those of `old` bytes there go. */
static char *replace(struct header *h, char *at, size_t old, size_t n)
{
    size_t behind = h->size - (size_t)(at - h->text) - old;
    if (h->size - old + n > HEADER_MAX)
        die("a long header");
    memmove(at + n, at + old, behind + 1);
    h->size = h->size - old + n;
    return at;
}

static size_t count_lines(const char *value)
{
    size_t n = 0;
    for (; (value = strchr(value, '\n')); value++)
        n++;
    return n;
}

/* Writes the field in the place of `old` bytes; LF becomes CRLF. */
static void put_field(struct header *h, char *at, size_t old, const char *name, const char *value,
                      int own_space)
{
    size_t n = strlen(name) + 1 + !own_space + strlen(value) + count_lines(value) + 2;
    at = replace(h, at, old, n);
    for (; *name; name++)
        *at++ = *name;
    *at++ = ':';
    if (!own_space)
        *at++ = ' ';
    for (; *value; value++) {
        if (*value == '\n')
            *at++ = '\r';
        *at++ = *value;
    }
    memcpy(at, "\r\n", 2);
}

/* Where the n-th field goes. The 0th is the MTA's own Received, which filters do not see. */
static char *field_at(struct header *h, uint32_t n)
{
    char *at = h->text;
    while (n > 1 && *at) {
        at = header_next(at);
        n--;
    }
    return at;
}

/* The n-th field of this name, counted from 1; NULL where there are less. */
static char *field_named(struct header *h, const char *name, uint32_t n)
{
    size_t size = strlen(name);
    for (char *at = h->text; *at; at = header_next(at))
        if (!strncasecmp(at, name, size) && at[size] == ':' && --n == 0)
            return at;
    return NULL;
}

static void change(struct header *h, uint32_t n, const char *name, const char *value, int own_space)
{
    char *at = field_named(h, name, n);
    size_t old = at ? (size_t)(header_next(at) - at) : 0;
    if (*value)
        put_field(h, at ? at : h->text + h->size, old, name, value, own_space);
    else if (at)
        replace(h, at, old, 0);
}

void header_edit(struct header *h, char kind, char *data, size_t n, int own_space)
{
    uint32_t index = 0;
    bool indexed = kind == SMFIR_INSHEADER || kind == SMFIR_CHGHEADER;
    if (!indexed && kind != SMFIR_ADDHEADER)
        return;
    if (n < sizeof index + 2 || data[n - 1])
        die("a header edit");
    if (indexed)
        memcpy(&index, data, sizeof index);
    char *name = data + (indexed ? sizeof index : 0), *value = name + strlen(name) + 1;
    if (value >= data + n)
        die("a header edit");
    if (kind == SMFIR_CHGHEADER)
        change(h, ntohl(index), name, value, own_space);
    else
        put_field(h, indexed ? field_at(h, ntohl(index)) : h->text + h->size, 0, name, value,
                  own_space);
}
