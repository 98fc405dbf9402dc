/* msgfile.h - the attachments of a message that Outlook has saved or passed on as a file (.msg):
 * streams named __substg1.0_37010102 in a compound file (MS-CFB, MS-OXMSG). */
#ifndef ASSAY_REPORT_IN_MSGFILE_H
#define ASSAY_REPORT_IN_MSGFILE_H

#include "base/str.h"

bool msgfile_is(struct str bytes);

/* Calls `each` with every attachment, at most IN_MEMBERS_MAX; what it gets lives until it returns,
 * and false ends the walk. A damaged file gives fewer. */
void msgfile_attachments(struct str bytes,
                         bool (*each)(void *context, struct str bytes, struct str name),
                         void *context);

#endif
