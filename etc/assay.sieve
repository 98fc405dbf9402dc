# Files mail that failed DMARC under a policy of quarantine (dis=quarantine) as junk: Sieve, RFC 5228.
#
# assay writes its Authentication-Results field on top and removes every other one that has our name.
# So the test looks only at the topmost field ("index", RFC 5260), which must begin with our
# authserv-id: replace mx.example.org by yours.
require ["fileinto", "index"];

if allof (
    header :index 1 :matches "Authentication-Results" "mx.example.org;*",
    header :index 1 :contains "Authentication-Results" "dis=quarantine"
) {
    fileinto "Junk";
    stop;
}
