"""peers.py - the filters that assay is measured against, as Debian has them, set up for the same task.

opendkim and opendmarc with its own SPF; the same with pyspf-milter before them; rspamd that scans itself in its milter
proxy, with the modules for SPF, DKIM and DMARC and nothing else. Each function writes a configuration and returns the
words of the command. Options are those of the packages but for sockets, users, and what the task needs."""

import pathlib
from typing import NamedTuple

DKIM_VERIFY = """Mode v
Syslog yes
SyslogSuccess yes
AuthservID mx.test
Nameservers {resolver}
Socket local:{socket}
"""

DKIM_SIGN = """Mode s
Syslog yes
SyslogSuccess yes
Canonicalization relaxed/relaxed
KeyTable {folder}/opendkim.keys
SigningTable refile:{folder}/opendkim.signing
RequireSafeKeys no
Socket local:{socket}
"""

DMARC = """Syslog true
AuthservID mx.test
TrustedAuthservIDs mx.test
PublicSuffixList /usr/share/publicsuffix/public_suffix_list.dat
SPFSelfValidate {spf}
Socket local:{socket}
"""

PYSPF = """debugLevel = 1
TestOnly = 1
HELO_reject = False
Mail_From_reject = False
PermError_reject = False
TempError_Defer = False
skip_addresses = 127.0.0.0/8
Header_Type = AR
Authserv_Id = mx.test
UserID = root
PidFile = {folder}/{name}.pid
Socket = local:{socket}
"""

RSPAMD = """options {{
  pidfile = "{data}/rspamd.pid"; cache_file = "{data}/symbols.cache"; history_file = "{data}/history";
  stats_file = "{data}/stats.ucl"; rrd = ""; hs_cache_dir = "{compiled}/"; control_socket = "{data}/control mode=0600";
  dynamic_conf = "{data}/dynamic"; url_tld = "/usr/share/rspamd/effective_tld_names.dat";
  filters = "dkim";
  dns {{ nameserver = ["{resolver}"]; timeout = 1s; sockets = 16; retransmits = 5; }}
}}
logging {{ type = "file"; filename = "{folder}/{name}.log"; level = "{level}"; }}
worker "rspamd_proxy" {{
  bind_socket = "{socket} mode=0666"; milter = yes; timeout = 120s; count = 2;
  upstream "local" {{ default = yes; self_scan = yes; }}
}}
lang_detection {{ {languages} }}
modules {{ {paths} }}
{actions}
group "policies" {{ .include "/etc/rspamd/scores.d/policies_group.conf" }}
milter_headers {{ use = {headers}; authenticated_headers = {headers}; skip_local = false; skip_authenticated = false;
  routines {{ authentication-results {{ hostname = "mx.test"; add_smtp_user = false; }} }} }}
"""
RSPAMD_VERIFY = "".join(f'.include "/etc/rspamd/modules.d/{module}.conf"\n' for module in ("dkim", "spf", "dmarc"))
RSPAMD_SIGN = """.include "/etc/rspamd/modules.d/dkim.conf"
dkim_signing {{ selector = "s2026"; path = "{key}"; use_esld = false; allow_username_mismatch = true;
  sign_authenticated = true; }}
"""


class RspamdJob(NamedTuple):
    """What a rspamd is for: modules in Lua, lines of its configuration, fields that it adds."""

    modules: tuple
    config: str
    headers: str = '["authentication-results"]'
    actions: str = '.include "/etc/rspamd/actions.conf"'


COMPILED = pathlib.Path(__file__).resolve().parents[2] / "build" / "peers" / "compiled"  # rspamd's lists, kept


def resolver(slow):
    return "127.0.0.2" if slow else "127.0.0.1"


def opendkim(folder, name, socket, slow=False):
    config = folder / f"{name}.opendkim.conf"
    config.write_text(DKIM_VERIFY.format(socket=socket, resolver=resolver(slow)))
    return ["opendkim", "-f", "-x", str(config)]


def opendkim_sign(folder, name, socket, key, domains):
    (folder / "opendkim.keys").write_text("".join(f"{d} {d}:s2026:{key}\n" for d in domains))
    (folder / "opendkim.signing").write_text("".join(f"*@{d} {d}\n" for d in domains))
    config = folder / f"{name}.opendkim.conf"
    config.write_text(DKIM_SIGN.format(folder=folder, socket=socket))
    return ["opendkim", "-f", "-x", str(config)]


def opendmarc(folder, name, socket, own_spf):
    config = folder / f"{name}.opendmarc.conf"
    config.write_text(DMARC.format(socket=socket, spf="true" if own_spf else "false"))
    return ["opendmarc", "-f", "-c", str(config)]


def pyspf(folder, name, socket):
    (folder / f"{name}.pid").unlink(missing_ok=True)  # it leaves it behind
    config = folder / f"{name}.pyspf.conf"
    config.write_text(PYSPF.format(folder=folder, name=name, socket=socket))
    return ["pyspf-milter", str(config)]


def rspamd(folder, name, socket, slow=False, key=None, lean=False, job=None):
    """lean: without the data for languages, so that it neither guesses those of a text nor stems its words, and with errors
    alone in its log: the least that we know it to cost for this task. job: what it does in the place of verifying or
    signing."""
    data, config = folder / f"{name}.data", folder / f"{name}.conf"
    for needed in (data, COMPILED):
        needed.mkdir(exist_ok=True)
    job = job or RspamdJob(("dkim_signing",) if key else ("spf", "dmarc", "milter_headers"),
                           RSPAMD_SIGN.format(key=key) if key else RSPAMD_VERIFY)
    paths = " ".join(f'path = "/usr/share/rspamd/plugins/{m}.lua";' for m in job.modules)
    text = RSPAMD.format(compiled=COMPILED, folder=folder, data=data, name=name, socket=socket, resolver=resolver(slow), paths=paths,
                         headers=job.headers, level="error" if lean else "info", actions=job.actions,
                         languages=f'languages = "{folder}/none";' if lean else "")
    config.write_text(text + job.config)
    return ["rspamd", "-f", "-i", "-c", str(config)]
