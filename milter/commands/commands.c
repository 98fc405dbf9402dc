/* commands.c - which commands there are, and in what groups. */
#include "milter/commands/commands.h"

static int print_version(struct command *c)
{
    (void)c;
    printf("assay %s\n", ASSAY_VERSION);
    return EX_OK;
}

static const struct command_row version_command = {
    .name = "version",
    .brief = "print the version",
    .run = print_version,
};

static const struct command_row config_command = {
    .name = "config",
    .brief = "config check: test the configuration; config show: print it",
    .commands =
        (const struct command_row *const[]){&config_check_command, &config_show_command, NULL},
};

static const struct command_row dkim_command = {
    .name = "dkim",
    .brief = "keys and signatures: keygen, list, test, rotate, sign, verify",
    .commands =
        (const struct command_row *const[]){
            &dkim_keygen_command,
            &dkim_list_command,
            &dkim_test_command,
            &dkim_rotate_command,
            &dkim_sign_command,
            &dkim_verify_command,
            NULL,
        },
};

static const struct command_row spf_command = {
    .name = "spf",
    .brief = "spf check: may this client send for this domain, and why",
    .commands = (const struct command_row *const[]){&spf_check_command, NULL},
};

static const struct command_row dmarc_command = {
    .name = "dmarc",
    .brief = "dmarc check: what does a domain ask for, and what would mail get",
    .commands = (const struct command_row *const[]){&dmarc_check_command, NULL},
};

static const struct command_row dnsbl_command = {
    .name = "dnsbl",
    .brief = "dnsbl check: is this address in a DNS list, or one of ours",
    .commands = (const struct command_row *const[]){&dnsbl_check_command, NULL},
};

static const struct command_row greylist_command = {
    .name = "greylist",
    .brief = "networks and domains that greylisting knows: list, forget, add",
    .commands =
        (const struct command_row *const[]){
            &greylist_list_command,
            &greylist_forget_command,
            &greylist_add_command,
            NULL,
        },
};

static const struct command_row report_command = {
    .name = "report",
    .brief = "DMARC reports: send ours; receive, sources, readiness, ...",
    .commands =
        (const struct command_row *const[]){
            &report_send_command,       &report_sent_command,
            &report_pending_command,    &report_own_command,
            &report_suppressed_command, &report_bounce_command,
            &report_receive_command,    &report_list_command,
            &report_show_command,       &report_sources_command,
            &report_failures_command,   &report_readiness_command,
            &report_reporters_command,  &report_alarms_command,
            &report_label_command,      &report_export_command,
            &report_import_command,     &report_html_command,
            &report_digest_command,     NULL,
        },
};

const struct command_row assay_command = {
    .name = "assay",
    .about = "assay checks SPF, DKIM and DMARC of incoming mail and signs outgoing mail with DKIM.",
    .notes =
        "Begin with an empty assay.conf, which is a working verify-only configuration: assay(8), "
        "assay.conf(5).",
    .commands =
        (const struct command_row *const[]){
            &milter_command,
            &config_command,
            &dkim_command,
            &check_command,
            &spf_command,
            &dmarc_command,
            &greylist_command,
            &srs_command,
            &dnsbl_command,
            &report_command,
            &doctor_command,
            &status_command,
            &metrics_command,
            &probe_command,
            &migrate_command,
            &version_command,
            NULL,
        },
};
