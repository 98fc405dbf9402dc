/* notes.h - texts that the .def files use more than once. */
#ifndef ASSAY_MIGRATE_NOTES_H
#define ASSAY_MIGRATE_NOTES_H

#define N_ACTIONS                                                                                  \
    "a bad signature alone is no reason to refuse (RFC 6376 6.1), but the DMARC policy of the "    \
    "author domain is: see dmarc.on-reject and dmarc.on-quarantine"
#define N_ADSP       "ADSP (RFC 5617) is historic: DMARC replaces it"
#define N_ATPS       "ATPS (RFC 6541) is an experiment that ended: sign with a key of the author domain"
#define N_AUTOLIST   "assay knows a network or domain when it has come again once, without counting"
#define N_BODYLENGTH "with l= others can add text to a signed message: assay signs the whole body"
#define N_CACHE      "assay always keeps answers, for their time to live"
#define N_CHAINS     "a chain alone is no reason to refuse: the DMARC policy of the author domain is"
#define N_CORES      "assay leaves no core dumps: they could hold keys"
#define N_COUNTS     "dmarc.on-bad-from is for From; assay does not count other fields"
#define N_DATABASE                                                                                 \
    "assay reads keys from files: export them, with a KeyTable and a SigningTable as text"
#define N_DEBUG "log-level = \"debug\" logs more"
#define N_DIAGNOSTICS                                                                              \
    "assay writes no z= tags; \"assay check --explain\" shows why a saved message fails"
#define N_DNSERROR "dmarc.on-temperror says what to do if the answer could matter, and only then"
#define N_DNSSEC   "use dns.dnssec = \"validate\"; the header says what was protected"
#define N_EXPLAIN  "\"assay check --explain\" shows each look-up of a saved message"
#define N_FACILITY "the facility is mail"
#define N_FAILURES                                                                                 \
    "assay sends no failure reports, because they pass on mail of others; RFC 9989 leaves them "   \
    "to the receiver"
#define N_FORGED                                                                                   \
    "assay removes forged fields with our name; those with other names stay, and prove nothing"
#define N_GREYDB                                                                                   \
    "the old database is not read: assay learns the clients again, in shadow mode before the "     \
    "change"
#define N_GREYFIELD "no field names a delay: the log line has greylist="
#define N_GREYREPLY "451 4.7.1 at DATA, after all other checks"
#define N_GREYSHARE                                                                                \
    "the store is a file of this host; hosts that share one need Redis servers: see state"
#define N_HISTORY                                                                                  \
    "assay keeps rows for reports in state-dir by default; it does not import the old file: send " \
    "the reports of that first"
#define N_IDENT    "the name in the log is assay; syslog-ident changes it"
#define N_IDENTITY "no i= is written"
#define N_INTERNAL "trouble of assay's own is tempfail"
#define N_JOBID    "with the job id readers do not recognize the name: they look for authserv-id"
#define N_LOGLINE  "each message has one log line, with its queue id and all results"
#define N_LUA      "assay has no scripts: see Policy in assay.conf(5)"
#define N_MINIMUM                                                                                  \
    "a signature over a part of the body does not pass, unless dkim.partial-body = true"
#define N_MUSTBESIGNED "DMARC goes by From, which every signature has to cover"
#define N_NEEDLESS     "not needed"
#define N_OMIT         "name the fields to sign in sign-headers"
#define N_OWNSPF       "assay always evaluates SPF itself"
#define N_PERUSER      "assay has no settings for single recipients here: this holds for all"
#define N_PIDFILE      "systemd needs no pid file; pid-file names one"
#define N_POP          "only SMTP AUTH and networks decide whose mail it is"
#define N_PSL                                                                                      \
    "RFC 9989 walks the DNS tree and needs no list; for the old way set dmarc.discovery = \"psl\""
#define N_REDIRECT                                                                                 \
    "assay copies and redirects no message; quarantine it, or let Sieve file it by its header"
#define N_RELAYED                                                                                  \
    "another host of yours has checked the mail that it passes on: name it in relay-networks"
#define N_REPLACE "assay signs addresses in the form that the MTA delivers"
#define N_REPLY   "the text is assay's own, with reply-contact at the end of every refusal"
#define N_REPORTS "assay neither asks for nor sends reports about single failures (RFC 6651)"
#define N_RESIGN  "assay signs for lists that rewrite From; see assay-forwarding(7)"
#define N_RESTRICTION                                                                              \
    "assay does not answer with Postfix's classes; exceptions.domains exempts domains that pass "  \
    "SPF"
#define N_SAFEKEYS   "always so: assay refuses keys that others can read or change"
#define N_SANDBOX    "assay's sandbox replaces it"
#define N_SEALERS    "name every sealer from the newest down to the one that vouches"
#define N_SEALFIELDS "assay signs the fields of RFC 6376 5.4.1"
#define N_SEALKEY                                                                                  \
    "to seal, set arc.mode = \"seal\" and arc.sealing-domain, with an RSA key for it in signing: " \
    "see assay-forwarding(7)"
#define N_SENDERHEADERS "the author in From decides, as in DMARC"
#define N_SERVICE       "systemd keeps assay running"
#define N_SHA1          "assay does not accept rsa-sha1 (RFC 8301)"
#define N_SOFTWARE      "assay writes no field with its name and version"
#define N_SRSMILTER     "the MTA's maps rewrite senders and recipients: see postfix-srs.cf"
#define N_STATISTICS    "\"assay status\" and \"assay metrics\" have counters"
#define N_SUBJECT       "assay does not change subjects: let Sieve file by Authentication-Results"
#define N_SYSLOG        "assay logs to syslog or the journal"
#define N_TCPTABLE                                                                                 \
    "tcp:localhost:10001 and 10002 in main.cf become socketmap:inet:127.0.0.1:8897:forward and "   \
    "reverse: see postfix-srs.cf"
#define N_TEMPORARY "assay writes no temporary files"
#define N_TESTING   "for tests only: see --dns of assay's commands"
#define N_THIRD                                                                                    \
    "signatures of others count if they are aligned, or if dmarc.trusted-signers names them"
#define N_UMASK "set socket-mode, if listen is a Unix socket"
#define N_VBR   "VBR (RFC 5518) is not used any more"

#endif
