/* notes.h - what the .def files say more than once. */
#ifndef ASSAY_MIGRATE_NOTES_H
#define ASSAY_MIGRATE_NOTES_H

#define N_ACTIONS                                                                                  \
    "a bad signature alone is no reason to refuse (RFC 6376 6.1): what the author's domain asks "  \
    "for by DMARC is, see dmarc.on-reject and dmarc.on-quarantine"
#define N_ADSP        "ADSP (RFC 5617) is historic: DMARC has taken its place"
#define N_BODYLENGTH  "l= lets strangers add text to a signed message: the whole body is signed"
#define N_CACHE       "answers are always kept, as long as they say"
#define N_CORES       "no core dumps: they could hold keys"
#define N_COUNTS      "dmarc.on-bad-from is about From; other fields are not counted"
#define N_DATABASE    "keys stand in files: write them out, with a KeyTable and SigningTable in text"
#define N_DEBUG       "log-level = \"debug\" logs more"
#define N_DIAGNOSTICS "no z= tags; \"assay check --explain\" tells why a saved message fails"
#define N_DNSERROR    "dmarc.on-temperror says what to do where the answer could matter, and only then"
#define N_DNSSEC      "dns.dnssec has validate; the header tells what was protected"
#define N_EXPLAIN     "\"assay check --explain\" shows each look-up of a saved message"
#define N_FACILITY    "the facility is mail"
#define N_FAILURES                                                                                 \
    "failure reports hand on mail of others, and assay sends none; RFC 9989 leaves them to the "   \
    "receiver"
#define N_FORGED "fields in our name are removed; those of others stay, and prove nothing"
#define N_GREYDB "who came before is not taken over: it is learnt anew, in shadow mode even before"
#define N_HISTORY                                                                                  \
    "rows for reports are kept in state-dir by default; what stands in the old file is not "       \
    "imported: send its reports first"
#define N_IDENT    "the name in the log is assay; syslog-ident changes it"
#define N_IDENTITY "no i= is written"
#define N_INTERNAL "trouble of assay's own is tempfail"
#define N_JOBID    "it makes the name useless: filters look for authserv-id as it is"
#define N_LOGLINE  "each message has one log line, with its queue id and all results"
#define N_LUA      "there are no scripts: see Policy in assay.conf(5)"
#define N_MINIMUM                                                                                  \
    "a signature over a part of the body never passes, unless dkim.partial-body = true"
#define N_MUSTBESIGNED "DMARC judges by From, which every signature has to cover"
#define N_NEEDLESS     "needless here"
#define N_OMIT         "name the fields that shall be signed in sign-headers"
#define N_OWNSPF       "SPF is always evaluated by assay itself"
#define N_PERUSER      "assay has no settings for single recipients here: they hold for all"
#define N_PIDFILE      "systemd needs none; pid-file names one"
#define N_POP          "only SMTP AUTH and networks tell whose mail it is"
#define N_PSL                                                                                      \
    "RFC 9989 walks the DNS tree and needs no list; dmarc.discovery = \"psl\" does as before"
#define N_REDIRECT                                                                                 \
    "no message is copied or sent elsewhere; quarantine it, or have Sieve file it by its header"
#define N_RELAYED                                                                                  \
    "what comes by way of another host of yours was checked there: name it in relay-networks"
#define N_REPLACE "addresses are signed in the form that the MTA delivers"
#define N_REPLY   "the text is assay's; reply-contact stands behind every refusal"
#define N_REPORTS "no reports about single failures (RFC 6651) are asked for or sent"
#define N_RESIGN  "lists that write From anew are signed for; see assay-forwarding(7)"
#define N_RESTRICTION                                                                              \
    "no classes of Postfix's are answered; exceptions.domains frees domains that pass SPF"
#define N_SAFEKEYS   "always: keys that others can read or change are refused"
#define N_SANDBOX    "assay's sandbox takes its place"
#define N_SEALERS    "every sealer from the newest down to the one that vouches has to be named"
#define N_SEALFIELDS "the fields of RFC 6376 5.4.1 are signed"
#define N_SEALKEY                                                                                  \
    "sealing is asked for by arc.mode = \"seal\", and needs an RSA key of arc.sealing-domain in "  \
    "signing: see assay-forwarding(7)"
#define N_SENDERHEADERS "the author in From decides, as DMARC has it"
#define N_SERVICE       "systemd keeps the service up"
#define N_SHA1          "rsa-sha1 is refused (RFC 8301)"
#define N_SOFTWARE      "no field names the software"
#define N_SRSMILTER     "senders and recipients are rewritten by the MTA's maps: see postfix-srs.cf"
#define N_STATISTICS    "\"assay status\" and \"assay metrics\" have counters"
#define N_SUBJECT       "subjects stay as they are: have Sieve file by Authentication-Results"
#define N_SYSLOG        "assay logs to syslog or the journal"
#define N_TCPTABLE                                                                                 \
    "tcp:localhost:10001 and 10002 in main.cf become socketmap:inet:127.0.0.1:8897:forward and "   \
    "reverse: see postfix-srs.cf"
#define N_TEMPORARY "nothing is written to temporary files"
#define N_TESTING   "for tests: see --dns of assay's commands"
#define N_THIRD     "signatures of others count where they are aligned, or by dmarc.trusted-signers"
#define N_UMASK     "socket-mode, where listen is a Unix socket"
#define N_VBR       "VBR (RFC 5518) is not used any more"

#endif
