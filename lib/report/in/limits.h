/* limits.h - how much of a received report is read. Larger input is refused with a reason. */
#ifndef ASSAY_REPORT_IN_LIMITS_H
#define ASSAY_REPORT_IN_LIMITS_H

#define IN_INPUT_MAX   (10U << 20) /* a mail */
#define IN_INNER_MAX   (2U << 20)  /* an archive in an archive, or JSON: held as a whole */
#define IN_XML_MAX     (25U << 20) /* a report, and all reports of one input together */
#define IN_MEMBERS_MAX 10U         /* of an archive */
#define IN_PARTS_MAX   100U        /* of a mail that are looked at */
#define IN_NESTING_MAX 4U          /* compression within compression */
#define IN_MAIL_DEPTH  8U          /* nesting of multiparts and messages */
#define IN_DECODED_MAX 2U          /* encoded messages around a part */
#define IN_RATIO_MAX   200U        /* inflated to compressed, ... */
#define IN_RATIO_FROM  (1U << 20)  /* ... counted beyond this many inflated bytes */
#define IN_ROWS_MAX    200000U     /* of a report */
#define IN_FIELD_MAX   256U        /* bytes of a text in a report; the rest is cut */
#define IN_XML_DEPTH   16U
#define IN_SIGNATURES  100U /* DKIM results of a row (RFC 9990 3.1.3) */
#define IN_SPF_RESULTS 10U  /* of a row; the standard allows one, some reporters write more */
#define IN_REASONS     10U  /* of a row */

#endif
