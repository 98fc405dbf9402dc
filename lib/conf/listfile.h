/* listfile.h - entries of a list that stand in a file of their own, which the list names as
 * "file:/path".
 *
 * One entry a line; blank lines do not count, and "#" at the beginning of a word begins a comment.
 * The entries stand where the list names the file. */
#ifndef ASSAY_CONF_LISTFILE_H
#define ASSAY_CONF_LISTFILE_H

#include "conf/walk.h"

/* The largest file, in bytes. */
#define LIST_FILE_MAX (8U * 1024U * 1024U)
/* No file is complained of more often. */
#define LIST_FILE_COMPLAINTS 20

/* True if the element of a list is the name of a file. */
bool list_file_named(struct str element);

/* Takes an entry, which lives as long as w->scratch. NULL, or what is wrong with it, as a phrase
 * behind the entry in quotes. */
typedef const char *list_entry_fn(void *context, struct str entry, struct conf_place place);

/* Gives every entry of the file `element` names to `take`, and notes the file in the configuration.
 * What is wrong is complained of with file and line. `option` names the list; `setting` is where
 * the element stands. */
void list_file_read(struct walk *w, const char *option, const config_setting_t *setting,
                    struct str element, list_entry_fn *take, void *context);

#endif
