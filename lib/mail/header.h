/* header.h - a message's header fields as the MTA gave them, and folding for those we add.
 *
 * Field values keep every byte from behind the colon on (the milter asks for SMFIP_HDR_LEADSPC),
 * with line ends as LF or CRLF as they came; canonicalisation treats both as CRLF. */
#ifndef ASSAY_MAIL_HEADER_H
#define ASSAY_MAIL_HEADER_H

#include "base/ascii.h"
#include "base/str.h"

struct header_field {
    struct str name;  /* without the colon and without white space before it */
    struct str value; /* everything behind the colon, without the last line end */
    size_t space;     /* bytes of white space before the colon; they stand behind the name */
};

/* The name as it came: simple canonicalisation keeps the white space (RFC 6376 3.4.1). */
static inline struct str header_written_name(const struct header_field *field)
{
    return (struct str){field->name.p, field->name.n + field->space};
}

/* Gives the field its name, as it was written: "From :" is From, to readers and so to us (RFC 5322
 * 4.5). */
static inline void header_field_name(struct header_field *field, struct str written)
{
    field->name = written;
    for (field->space = 0; field->name.n; field->space++, field->name.n--)
        if (!ascii_is_wsp(field->name.p[field->name.n - 1]))
            break;
}

/* Fields in the order of the message, top first. */
struct header_list {
    struct arena *arena;
    struct header_field *fields;
    size_t n, cap;
};

void header_list_init(struct header_list *list, struct arena *a);

/* Appends a field; name and value are copied into the list's arena. White space at the end of the
 * name is what stood before the colon. */
void header_list_add(struct header_list *list, struct str name, struct str value);

/* What header_list_add() takes of the arena at most for a field of so many bytes. */
size_t header_list_cost(const struct header_list *list, size_t bytes);

/* True if a field can have this name (RFC 5322 3.6.8). */
bool header_is_name(struct str name);

/* How many fields have this name (ASCII case-insensitive). */
size_t header_count(const struct header_list *list, struct str name);

/* The k-th (0: topmost) field of this name, or NULL. */
const struct header_field *header_get(const struct header_list *list, struct str name, size_t k);

/* A list of its own with the same names and values, not copied. */
struct header_list *header_list_view(struct arena *a, const struct header_list *list);

/* RFC 5322 2.2.3: the value without line ends (bare CR and LF too), white space kept; trimmed. A
 * view of `value` where there is none to remove. */
struct str header_unfold(struct arena *a, struct str value);

/* RFC 5322 3.6.8 with the white space of 4.5: length of the name before the colon, 0 if the line
 * that the text begins with is no field. */
size_t header_name_length(struct str text);

/* Splits a whole message (LF or CRLF) into header fields and the body (the rest behind the empty
 * line). A line that is no field ends the header, as MTAs do. For tools and tests; the milter gets
 * fields from the MTA. */
void header_parse_message(struct header_list *list, struct str message, struct str *body);

/* Builder for a field value: atoms are never broken; a break is LF TAB between them where the line
 * would pass 78 columns. */
struct header_folder {
    struct strbuf out;
    size_t column;
    size_t reserve; /* columns kept free on each line for what follows an atom; 0 at first */
};

/* `used` columns are already taken on the first line ("Name:" and what precedes). */
void folder_init(struct header_folder *f, struct arena *a, size_t used);
/* Adds one atom: with `space`, white space (a space or a fold) goes before it; without, it is glued
 * to what precedes. */
void folder_add(struct header_folder *f, bool space, struct str atom);
/* Adds a piece of a longer atom, which may be folded before it: with LF TAB or, where the piece
 * begins with a space, with LF alone, so that unfolding restores the atom. */
void folder_add_piece(struct header_folder *f, struct str piece);
/* True if the atom fits a line of its own. */
bool folder_fits_line(const struct header_folder *f, struct str atom);
void folder_break(struct header_folder *f); /* LF TAB here */
struct str folder_str(struct header_folder *f);

#endif
