/* commands.h - the rows of all commands. Each stands in its command's file; commands.c says which
 * group has it. */
#ifndef ASSAY_MILTER_COMMANDS_H
#define ASSAY_MILTER_COMMANDS_H

#include "milter/commands/command.h"

extern const struct command_row milter_command, check_command, status_command, metrics_command;
extern const struct command_row probe_command, doctor_command, migrate_command;
extern const struct command_row report_send_command, report_sent_command, report_pending_command,
    report_suppressed_command, report_bounce_command, report_own_command;
extern const struct command_row config_check_command, config_show_command;
extern const struct command_row srs_command;
extern const struct command_row spf_check_command, dmarc_check_command, dnsbl_check_command;
extern const struct command_row report_receive_command, report_list_command, report_show_command;
extern const struct command_row report_sources_command, report_failures_command;
extern const struct command_row report_readiness_command, report_reporters_command;
extern const struct command_row report_alarms_command, report_label_command;
extern const struct command_row report_export_command, report_import_command;
extern const struct command_row report_html_command, report_digest_command;
extern const struct command_row greylist_list_command, greylist_forget_command,
    greylist_add_command;
extern const struct command_row dkim_keygen_command, dkim_list_command, dkim_test_command;
extern const struct command_row dkim_rotate_command, dkim_sign_command, dkim_verify_command;

#endif
