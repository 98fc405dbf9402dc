# Files mail that failed DMARC under a policy of quarantine (dis=quarantine) as junk: Sieve, RFC 5228.
#
# assay writes its Authentication-Results field on top and removes every other that bears our name.
# So only the topmost one is looked at ("index", RFC 5260), and it must begin with our authserv-id:
# put yours where mx.example.org stands.
require ["fileinto", "index"];

if allof (
    header :index 1 :matches "Authentication-Results" "mx.example.org;*",
    header :index 1 :contains "Authentication-Results" "dis=quarantine"
) {
    fileinto "Junk";
    stop;
}
