"""mta.py - a real Postfix and a real Sendmail, each with the lines of etc/ in its configuration; and both once more as
Debian ships them.

Postfix has services with the content filters of filter.py (the lines of assay.conf(5)); both take back what filters
have seen on port 10026, where milters are not asked.

The first two listen on ports 25, 587 (AUTH required, the lines that etc/ recommends) and 588 (a submission service that
takes mail for local users from strangers, as Sendmail's default MSA does), host recv.example, know the user
alice with the password "secret", and deliver all mail, wherever it is addressed to, into WORK/mail/new; but for
mail to next.example and old.example, which their SMTP clients send to the servers of sink.py."""

import os
import pathlib
import shutil
import subprocess

import sink
from namespace import HOST, MX4, MX6, WORK, add_user, command, replace
from shipped import commented
from world import TLS, wait_for_port

TOP = pathlib.Path(__file__).resolve().parents[2]
INBOX = WORK / "mail" / "new"
SASL = "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {path}\nmech_list: PLAIN LOGIN\n"


def add_alice(path, owner):
    command("saslpasswd2", "-p", "-c", "-f", path, "-u", "recv.example", "alice", input="secret\n")
    shutil.chown(path, owner)
    path.chmod(0o640)


class Mta:
    listens_on = [(MX4, 25), (MX4, 587), (MX4, 588), (MX6, 25)]

    def prepare(self):
        """What is done when the configuration is there, and before the start."""

    def wait(self):
        for address, port in self.listens_on:
            wait_for_port(address, port)


class Postfix(Mta):
    name = "postfix"
    main_cf = f"""compatibility_level = 3.6
myhostname = {HOST}
mydestination =
inet_protocols = ipv4, ipv6
mynetworks = 127.0.0.0/8, [::1]/128
smtpd_relay_restrictions = permit_sasl_authenticated, permit_mynetworks, reject_unauth_destination
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain = recv.example
smtpd_tls_security_level = may
smtpd_tls_cert_file = {TLS}/mx.pem
smtpd_tls_key_file = {TLS}/mx.key
smtpd_tls_CAfile = {TLS}/ca.pem
smtpd_tls_ask_ccert = yes
smtpd_error_sleep_time = 0
# All clients have addresses of this machine; that is no reason to write their header fields anew.
local_header_rewrite_clients =
virtual_mailbox_domains = recv.example
# Every recipient of every domain has this maildir: nothing leaves the machine.
virtual_mailbox_base = {WORK}
virtual_mailbox_maps = static:mail/
virtual_uid_maps = static:{{uid}}
virtual_gid_maps = static:{{gid}}
virtual_minimum_uid = 1
default_transport = virtual
relay_transport = virtual
transport_maps = inline:{{{{ next.example=smtp:[{sink.NEXT}]:{sink.PORT}, old.example=smtp:[{sink.OLD}]:{sink.PORT} }}}}
"""
    submission = """
587 inet n - n - - smtpd
  -o syslog_name=postfix/submission
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
  -o milter_macro_daemon_name=ORIGINATING
588 inet n - n - - smtpd
  -o syslog_name=postfix/open-submission
  -o smtpd_sasl_auth_enable=yes
  -o milter_macro_daemon_name=ORIGINATING
"""

    filters = """
3525 inet n - n - - smtpd
  -o content_filter=scan:[127.0.0.1]:10014
3526 inet n - n - - smtpd
  -o content_filter=scan:[127.0.0.1]:10015
3527 inet n - n - - smtpd
  -o smtpd_proxy_filter=127.0.0.1:10016
3528 inet n - n - - smtpd
  -o smtpd_proxy_filter=127.0.0.1:10017
scan unix - - n - 2 smtp
  -o smtp_send_xforward_command=yes
127.0.0.1:10025 inet n - n - - smtpd
  -o content_filter=
127.0.0.1:10026 inet n - n - - smtpd
  -o content_filter=
  -o receive_override_options=no_milters
127.0.0.1:10027 inet n - n - - smtpd
  -o smtpd_authorized_xclient_hosts=127.0.0.0/8
"""

    def start(self):
        etc, spool = pathlib.Path("/etc/postfix"), pathlib.Path("/var/spool/postfix")
        share = pathlib.Path("/usr/share/postfix")
        add_user("postfix", 880, groups=["postdrop"])
        for folder in (WORK / "mail", pathlib.Path("/var/lib/postfix")):
            folder.mkdir(exist_ok=True)
            shutil.chown(folder, "postfix")
        shutil.copy(share / "dynamicmaps.cf", etc)
        inbox = (WORK / "mail").stat()
        own = self.main_cf.format(uid=inbox.st_uid, gid=inbox.st_uid)
        (etc / "main.cf").write_text(own + self.snippet())
        (etc / "master.cf").write_text(self.master())
        (etc / "sasl").mkdir(exist_ok=True)
        (etc / "sasl" / "smtpd.conf").write_text(SASL.format(path="/etc/sasldb2"))
        add_alice(pathlib.Path("/etc/sasldb2"), "postfix")
        spool.mkdir(exist_ok=True)
        for program in ("postdrop", "postqueue"):
            shutil.chown(f"/usr/sbin/{program}", group="postdrop")
            os.chmod(f"/usr/sbin/{program}", 0o2755)
        self.prepare()
        command("postfix", "start")
        self.wait()

    def snippet(self):
        return (TOP / "etc" / "postfix-main.cf").read_text()

    def master(self):
        """Debian's own master.cf, with nothing chrooted: there is no chroot to fill here."""
        lines = []
        for line in pathlib.Path("/usr/share/postfix/master.cf.dist").read_text().splitlines():
            fields = line.split()
            if len(fields) >= 8 and not line.startswith(("#", " ")):
                fields[4] = "n"
                line = " ".join(fields)
            lines.append(line)
        return "\n".join(lines) + "\n" + self.submission + self.filters

    def held(self, token):
        """True if a message with this token waits in the hold queue."""
        hold = pathlib.Path("/var/spool/postfix/hold")
        return any(token.encode() in path.read_bytes() for path in hold.rglob("*") if path.is_file())


class DebianPostfix(Postfix):
    """With Debian's master.cf and the chroot that Debian fills: a Unix socket as etc/postfix-socket.conf proposes it."""

    name = "postfix-debian"
    listens_on = [(MX4, 25), (MX6, 25)]

    def snippet(self):
        tcp, socket = commented("postfix-main.cf", "smtpd_milters"), commented("postfix-socket.conf", "smtpd_milters")
        return super().snippet().replace(tcp, socket) + "alias_maps = hash:/etc/aliases\n"

    def master(self):
        return pathlib.Path("/usr/share/postfix/master.cf.dist").read_text()

    def prepare(self):
        """As Debian's postinst and its unit do."""
        replace("/etc/aliases", "")
        command("postalias", "/etc/aliases")
        command("/usr/lib/postfix/configure-instance.sh", "-")


class Sendmail(Mta):
    name = "sendmail"
    sendmail_mc = f"""include(`/usr/share/sendmail/cf/m4/cf.m4')dnl
OSTYPE(`debian')dnl
define(`confDOMAIN_NAME', `{HOST}')dnl
LOCAL_DOMAIN(`recv.example')dnl
define(`confDELIVERY_MODE', `interactive')dnl
define(`confTO_IDENT', `0')dnl
define(`confTO_RESOLVER_RETRANS', `1s')dnl
define(`confTO_RESOLVER_RETRY', `1')dnl
define(`ALIAS_FILE', `')dnl
define(`confCACERT', `{TLS}/ca.pem')dnl
define(`confCACERT_PATH', `{TLS}')dnl
define(`confSERVER_CERT', `{TLS}/mx.pem')dnl
define(`confSERVER_KEY', `{TLS}/mx.key')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confDONT_BLAME_SENDMAIL', `GroupReadableSASLDBFile')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`accept_unresolvable_domains')dnl
define(`confAUTH_REALM', `recv.example')dnl
define(`confAUTH_MECHANISMS', `PLAIN LOGIN')dnl
TRUST_AUTH_MECH(`PLAIN LOGIN')dnl
define(`SMART_HOST', `keep:any')dnl
define(`LOCAL_MAILER_PATH', `{WORK}/deliver')dnl
define(`LOCAL_MAILER_FLAGS', `mn9')dnl
define(`_DEF_LOCAL_MAILER_FLAGS', `lsDFMqSh')dnl
define(`LOCAL_MAILER_ARGS', `deliver $u')dnl
DAEMON_OPTIONS(`Family=inet, Name=MTA-v4, Port=smtp')dnl
DAEMON_OPTIONS(`Family=inet6, Name=MTA-v6, Port=smtp, Addr={MX6}')dnl
DAEMON_OPTIONS(`Family=inet, Name=MSA, Port=588, M=E')dnl
DAEMON_OPTIONS(`Family=inet, Name=filtered, Addr=127.0.0.1, Port=10026, InputMailFilters=')dnl
@SNIPPET@
define(`ESMTP_MAILER_ARGS', `TCP $h {sink.PORT}')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
LOCAL_RULE_0
R$* <@next.example> $*\t$#esmtp $@ [{sink.NEXT}] $: $1 <@next.example.> $2
R$* <@old.example> $*\t$#esmtp $@ [{sink.OLD}] $: $1 <@old.example.> $2
MAILER_DEFINITIONS
Mkeep, P={WORK}/deliver, F=DFMhmnu, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP/HdrFromSMTP, E=\\n, L=0, T=DNS/RFC822/X-Unix, U=root, A=deliver $u
"""
    deliver = f"""#!/bin/sh
file=$(mktemp {INBOX}/.XXXXXXXX) && cat >"$file" && chmod 644 "$file" && mv "$file" {INBOX}/"${{file##*.}}"
"""
    program = "/usr/libexec/sendmail/sendmail"

    def start(self):
        add_user("smmsp", 880)
        add_user("smmta", 881)
        INBOX.mkdir(parents=True)
        INBOX.chmod(0o1777)
        statistics = pathlib.Path("/var/lib/sendmail/sendmail.st")
        statistics.parent.mkdir(exist_ok=True)
        statistics.touch()
        (WORK / "deliver").write_text(self.deliver)
        (WORK / "deliver").chmod(0o755)
        for folder, owner, mode in (
            ("/var/spool/mqueue", "root", 0o700),
            ("/var/spool/mqueue-client", "smmsp", 0o770),
            ("/var/lib/sendmail/host_status", "smmta", 0o2750),
            ("/var/run/sendmail/mta", "root", 0o755),
            ("/var/run/sendmail/msp", "smmsp", 0o755),
        ):
            os.makedirs(folder, exist_ok=True)
            shutil.chown(folder, owner, owner)
            os.chmod(folder, mode)
        replace("/etc/mail/sendmail.mc", self.with_snippet(self.snippet()))
        self.make_cf("sendmail", "/etc/mail/sendmail.mc")
        self.make_cf("submit", "/usr/share/sendmail/cf/debian/submit.mc")
        replace("/etc/mail/local-host-names", "recv.example\n")
        replace("/etc/mail/trusted-users", "")
        pathlib.Path("/etc/mail/sasl").mkdir(exist_ok=True)
        add_alice(pathlib.Path("/etc/mail/sasl/sasldb2"), "root")
        replace("/usr/lib/sasl2/Sendmail.conf", SASL.format(path="/etc/mail/sasl/sasldb2"))
        sendmail = pathlib.Path("/usr/sbin/sendmail")
        sendmail.unlink(missing_ok=True)
        sendmail.symlink_to(self.program)
        program = pathlib.Path(self.program)  # as Debian's package has it
        shutil.chown(program, "root", "smmsp")
        program.chmod(0o2755)
        self.prepare()
        # A busy machine is no reason to refuse connections, or to queue mail: here.
        busy = ["-ORefuseLA=1000", "-OQueueLA=1000"]
        command(self.program, "-C/etc/mail/sendmail.cf", *busy, "-bd", "-q5s")
        self.wait()

    def snippet(self):
        return (TOP / "etc" / "sendmail.mc").read_text()

    def with_snippet(self, snippet):
        """Nothing listens on the submission port here: with the line for that."""
        return self.sendmail_mc.replace("@SNIPPET@\n", snippet + commented("sendmail.mc", "DAEMON_OPTIONS"))

    @staticmethod
    def make_cf(name, source):
        done = subprocess.run(["m4", source], stdout=subprocess.PIPE, text=True, check=True)
        replace(f"/etc/mail/{name}.cf", done.stdout)

    def held(self, token):
        """True if a message with this token waits in the quarantine queue."""
        return any(token in path.read_text(errors="replace") for path in pathlib.Path("/var/spool/mqueue").glob("hf*"))


class DebianSendmail(Sendmail):
    """Debian's sendmail.mc, untouched but for the lines of etc/sendmail.mc above MAILER_DEFINITIONS."""

    name = "sendmail-debian"
    listens_on = [("127.0.0.1", 25), ("127.0.0.1", 587)]

    def with_snippet(self, snippet):
        for name in ("dialup.m4", "provider.m4"):
            replace(f"/etc/mail/m4/{name}", "")
        shipped = pathlib.Path("/usr/share/sendmail/cf/debian/sendmail.mc").read_text()
        return shipped.replace("\nMAILER_DEFINITIONS\n", f"\n{snippet}MAILER_DEFINITIONS\n")

    def prepare(self):
        """As Debian's postinst does."""
        command("makemap", "hash", "/etc/mail/access.db", input="")
        replace("/etc/mail/aliases", "")
        command(self.program, "-bi")


SRS = ("srs.example.org", "srs.recv.example")  # in the files of etc/, and here
ALIASES = "both: alice, outside@next.example\n"


class SrsPostfix(Postfix):
    """With the lines of etc/postfix-srs.cf, the simple form."""

    name = "postfix-srs"
    lines = "both@recv.example alice@recv.example, outside@next.example\n"

    def snippet(self):
        pathlib.Path("/etc/postfix/virtual").write_text(self.lines)
        shipped = (TOP / "etc" / "postfix-srs.cf").read_text().replace(*SRS)
        return super().snippet() + "virtual_alias_maps = texthash:/etc/postfix/virtual\n" + self.form(shipped)

    def form(self, shipped):
        return shipped


class ExactSrsPostfix(SrsPostfix):
    """The exact form: what leaves goes to the servers in the DNS, on the port of sink.py."""

    name = "postfix-srs-exact"
    lines = "both@recv.example alice@recv.example, outside@quarantine.example\n"

    def form(self, shipped):
        kept = [line for line in shipped.splitlines() if not line.startswith("sender_canonical_")]
        return "\n".join([*kept, *self.proposed("default_transport"), f"smtp_tcp_port = {sink.PORT}", "transport_maps =", ""])

    def master(self):
        return "\n".join([super().master(), *self.proposed("srs-", "127.0.0.1:10028 ", "  -o "), ""])

    @staticmethod
    def proposed(*words):
        """The lines in the comment that begin with one of these words."""
        lines = [line.removeprefix("#     ") for line in (TOP / "etc" / "postfix-srs.cf").read_text().splitlines()]
        return [line for line in lines if line.startswith(words)]


class SrsSendmail(Sendmail):
    """With the lines of etc/sendmail-srs.mc."""

    name = "sendmail-srs"
    deliver = Sendmail.deliver.replace("&& cat >", """&& { printf 'Return-Path: <%s>\\nDelivered-To: %s\\n' "$2" "$1" && cat; } >""")

    def with_snippet(self, snippet):
        shipped = (TOP / "etc" / "sendmail-srs.mc").read_text().replace(*SRS)
        text = super().with_snippet(snippet + shipped).replace("deliver $u", "deliver $u $g")
        text = text.replace("`LOCAL_MAILER_FLAGS', `mn9'", "`LOCAL_MAILER_FLAGS', `mn9A'")
        return text.replace("`ALIAS_FILE', `'", "`ALIAS_FILE', `/etc/mail/aliases'")

    def prepare(self):
        replace("/etc/mail/aliases", ALIASES)
        command(self.program, "-C/etc/mail/sendmail.cf", "-bi")


class PolicyPostfix(Postfix):
    """With the lines of etc/postfix-policy.cf, and no milter."""

    name = "postfix-policy"

    def snippet(self):
        return (TOP / "etc" / "postfix-policy.cf").read_text()


class BothPostfix(PolicyPostfix):
    """The same beside the milter."""

    name = "postfix-both"

    def snippet(self):
        return Postfix.snippet(self) + super().snippet()


REPORTS = ("@example.org", "@recv.example")  # in the files of etc/, and here


def readable_assay():
    """The program where the user assay may run it, too."""
    shutil.copy(os.environ["ASSAY_E2E_PROGRAM"], WORK)
    return WORK / "assay"


class ReportsPostfix(Postfix):
    """With the lines of etc/postfix-reports.cf."""

    name = "postfix-reports"
    shipped = TOP / "etc" / "postfix-reports.cf"

    def snippet(self):
        own = super().snippet() + "minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\nqueue_run_delay = 1s\n"
        text = self.shipped.read_text().replace(*REPORTS)
        # transport_maps is there already: behind what it has.
        before = next(line for line in self.main_cf.splitlines() if line.startswith("transport_maps")).format(uid=0, gid=0)
        return own + text.replace("transport_maps =", before + ",")

    def master(self):
        lines = [line.removeprefix("#     ") for line in self.shipped.read_text().splitlines()]
        mine = [line for line in lines if line.startswith(("assay-report unix", "assay-bounce unix", "  flags="))]
        return super().master() + "\n".join(mine).replace("/usr/sbin/assay", str(readable_assay())) + "\n"

    def flush(self):
        command("postqueue", "-f")


class ReportsSendmail(Sendmail):
    """With the lines of etc/sendmail-reports.mc."""

    name = "sendmail-reports"

    def with_snippet(self, snippet):
        shipped = (TOP / "etc" / "sendmail-reports.mc").read_text()
        shipped = shipped.replace(*REPORTS).replace("< @ example.org", "< @ recv.example")
        return super().with_snippet(snippet) + shipped.replace("/usr/sbin/assay", str(readable_assay()))

    def flush(self):
        command(self.program, "-C/etc/mail/sendmail.cf", "-q")


class Exim(Mta):
    """Debian's own configuration, split in files, with those of its hooks that etc/exim-acl.conf names."""

    name = "exim"
    listens_on = [(MX4, 25), (MX6, 25)]
    settings = """dc_eximconfig_configtype='internet'
dc_other_hostnames='recv.example'
dc_local_interfaces=''
dc_readhost=''
dc_relay_domains=''
dc_minimaldns='false'
dc_relay_nets=''
dc_smarthost=''
CFILEMODE='644'
dc_use_split_config='true'
dc_hide_mailname=''
dc_mailname_in_oh='true'
dc_localdelivery='maildir_home'
"""
    router = "e2e:\n  driver = accept\n  domains = +local_domains\n  transport = e2e\n"
    transport = f"""e2e:
  driver = appendfile
  directory = {WORK}/mail
  maildir_format
  create_directory
  user = Debian-exim
  envelope_to_add
  return_path_add
"""

    def start(self):
        etc = pathlib.Path("/etc/exim4")
        add_user("Debian-exim", 880)
        for folder in ("/var/spool/exim4", "/var/log/exim4", "/var/lib/exim4", "/run/exim4", WORK / "mail"):
            os.makedirs(folder, exist_ok=True)
            shutil.chown(folder, "Debian-exim", "Debian-exim")
        replace("/etc/mailname", "recv.example\n")
        replace("/etc/aliases", "")
        (etc / "update-exim4.conf.conf").write_text(self.settings)
        shipped = TOP / "etc" / "exim-acl.conf"
        shutil.copy(shipped, etc / "assay.acl")
        lines = [line.removeprefix("#     ") for line in shipped.read_text().splitlines()]
        macros = [line for line in lines if line.startswith("CHECK_")]
        (etc / "conf.d" / "main" / "000_localmacros").write_text("\n".join([*macros, ""]))
        (etc / "conf.d" / "main" / "04_e2e").write_text("log_file_path = syslog\n")
        (etc / "conf.d" / "router" / "050_e2e").write_text(self.router)
        (etc / "conf.d" / "transport" / "05_e2e").write_text(self.transport)
        command("update-exim4.conf")
        # It keeps its output open, and stays in front as a child of the first process.
        command("sh", "-c", "exim4 -bd -q10m >/dev/null 2>&1; exit $?")
        self.wait()

    def held(self, token):
        """True if a message with this token waits frozen."""
        return "*** frozen ***" in command("exim4", "-bp")


WAYS = (Postfix, Sendmail, DebianPostfix, DebianSendmail, SrsPostfix, ExactSrsPostfix, SrsSendmail, PolicyPostfix, BothPostfix, ReportsPostfix,
        ReportsSendmail, Exim)
MTAS = {mta.name: mta for mta in WAYS}
