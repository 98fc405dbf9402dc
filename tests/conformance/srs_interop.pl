#!/usr/bin/perl
# srs_interop.pl TOOL COUNT [SEED] - lib/srs beside Mail::SRS: COUNT random addresses, both directions.
#
# Each address is forwarded by both, and the results have to be equal. A third of the results are taken back by both, as it is, and
# after what may happen to it on the way: letters of another case, another separator, a character changed, another day.
# Senders are as people have them, SRS addresses of other servers, and SRS1 addresses that can be undone. What lib/srs
# does otherwise on purpose is not asked here: quoted local parts and SRS1 addresses that lead nowhere (unit_srs has
# them), and local parts that would be longer than 64 octets, which it leaves as they are.
use strict;
use warnings;
use File::Temp 'tempfile';

our $now;
BEGIN { *CORE::GLOBAL::time = sub { $now // CORE::time() } }
use Mail::SRS;

my ($tool, $count, $seed) = @ARGV;
my $domain  = 'srs.example.org';
my @secrets = ('tops3cr3t', 'x' x 100);
my $day     = 86400;
srand($seed // 21);
local $SIG{__WARN__} = sub { warn @_ unless $_[0] =~ /^SRS: Case insensitive|Mail\/SRS.* line/ };

sub pick { return $_[int rand @_] }

sub word {
    my ($least, $most, @from) = @_;
    my $word = '';
    $word .= $from[rand @from] for 1 .. $least + int rand($most - $least + 1);
    return $word;
}

my @letters = ('a' .. 'z', 'A' .. 'Z', 0 .. 9);
my @digits  = (@letters, '+', '/', '-', '_');
my @marks   = split //, "=+-_.!#\$%&'*/?^`{|}~";

# Texts that lib/srs takes for no address, or for one of nobody.
sub is_odd {
    my ($address) = @_;
    my ($user, $host) = $address =~ /^(.*)\@([^@]*)$/ or return 1;
    return 1 if $host =~ /^\.|\.\.|^$/;
    return 1 if grep { length > 63 || /^.?.?--/ } split /\./, $host;
    return $host =~ /(?:^|\.)(?:..--|-|[^.]*-(?:\.|$))/;    # no IDNA label
}

# Most of the time would go into making words.
my @hosts = map { join '.', map { word(1, 8, @letters, '-') } 1 .. 1 + int rand 3 } 1 .. 3000;
my @users = map { word(1, 20, @letters, @marks) } 1 .. 3000;
my @tokens = map { join '=', word(4, 6, @digits), word(2, 2, 'A' .. 'Z', 2 .. 7) } 1 .. 3000;
@hosts = grep { !is_odd("x\@$_") } @hosts;
sub host { return $hosts[rand @hosts] }
sub user { return rand() < 0.5 ? $users[rand @users] : $users[rand @users] . int rand 10000 }

# What another server may have written behind SRS0 and its separator.
sub foreign {
    return user() if rand() < 0.2;
    return $tokens[rand @tokens] . '=' . host() . '=' . user();
}

sub tag { my ($tag) = @_; return rand() < 0.2 ? lc $tag : $tag }

sub sender {
    my $kind = rand;
    return user() . '@' . host() if $kind < 0.6;
    return tag('SRS0') . pick('=', '=', '+', '-') . foreign() . '@' . host() if $kind < 0.8;
    return tag('SRS1') . pick('=', '=', '+', '-') . 'h4sH=' . host() . '=' . pick('=', '+', '-') . foreign() . '@' . host();
}

# What the way, or an attacker, makes of an address.
sub changed {
    my ($address) = @_;
    my $what = rand;
    return $address if $what < 0.4;
    return lc $address if $what < 0.5;
    return uc $address if $what < 0.6;
    return $address =~ s/^(SRS[01])=/$1 . pick('=', '+', '-')/er if $what < 0.7;
    my ($user, $host) = $address =~ /^(.*)\@(.*)$/;
    my $at = int rand length $user;
    return $what < 0.9 ? substr($user, 0, $at) . pick(@digits, '=') . substr($user, $at + 1) . "\@$host"
        : substr($user, 0, $at) . "\@$host";
}

my %srs;    # by the length of hashes

sub theirs {
    my ($how, $length, $address) = @_;
    my $srs = $srs{$length} //= Mail::SRS->new(Secret => \@secrets, HashLength => $length, HashMin => 4);
    return eval { $how eq 'forward' ? $srs->forward($address, $domain) : $srs->reverse($address) };
}

# What is asked of lib/srs, by the length of hashes: the question and how to judge the answer.
my %asked;

sub ask {
    my ($length, $how, $address, $judge) = @_;
    push @{ $asked{$length} }, { line => "$how\t$now\t$address\n", judge => $judge };
}

my (%tally, $wrong);

sub complain {
    my ($question, $length, $ours, $theirs) = @_;
    print "$question  $length digits:\n  ours   $ours\n  theirs ", $theirs // 'dies', "\n";
    exit 1 if ++$wrong >= 20;
}

# An address that Mail::SRS makes of a guess may be none: a host with other characters, a user that is empty.
sub is_plain { return $_[0] =~ /^[\w.!#\$%&'*+\/=?^`{|}~-]+\@[\w.-]+$/ && !is_odd($_[0]) }

# Mail::SRS reads one.
sub other_alphabet { return $_[0] =~ s{^(SRS[01].)([^=]*)}{ my ($tag, $hash) = ($1, $2); $hash =~ tr!-_!+/!; $tag . $hash }eir }

sub back {
    my ($length, $address) = @_;
    my $theirs = theirs('reverse', $length, $address);
    $theirs //= theirs('reverse', $length, other_alphabet($address)) if $address =~ /[-_]/;
    ask($length, 'reverse', $address, sub {
        my ($ours) = @_;
        my $refused = $ours =~ /^ /;
        $tally{ $refused ? 'refused' : 'reversed' }++;
        return ($refused ? !defined $theirs || !is_plain($theirs) : $ours eq ($theirs // '')), $theirs;
    });
}

sub one {
    my $length = pick(4, 4, 6, 8, 20);
    my $sender = sender();
    $now = int(19000 * $day + rand(3000 * $day));
    my $theirs = theirs('forward', $length, $sender);
    my $long = length($theirs) - length($domain) - 1 > 64;
    ask($length, 'forward', $sender, sub {
        my ($ours) = @_;
        $tally{ $long ? 'long' : 'forwarded' }++;
        return ($long ? $ours =~ /^ .*64 octets/ : $ours eq $theirs), $theirs;
    });
    $now += pick(0, 0, 1, 20, 21, 22, 23, 1023, 1024, 1045, 1046) * $day;
    back($length, changed($theirs)) if rand() < 0.3;    # it takes longer
}

sub judge {
    my ($length) = @_;
    my ($questions, $name) = tempfile(UNLINK => 1);
    print $questions map { $_->{line} } @{ $asked{$length} };
    close $questions;
    open my $answers, '-|', 'sh', '-c', 'exec "$@" <"$0"', $name, $tool, $domain, $length, @secrets or die "$tool: $!\n";
    for my $question (@{ $asked{$length} }) {
        my $ours = <$answers> // die "the tool has ended\n";
        chomp $ours;
        my ($right, $theirs) = $question->{judge}->($ours);
        complain($question->{line}, $length, $ours, $theirs) unless $right;
    }
}

one() for 1 .. $count;
judge($_) for sort keys %asked;
for (['forwarded', 0.6], ['long', 0.05], ['reversed', 0.1], ['refused', 0.05]) {
    my ($what, $share) = @$_;
    next if ($tally{$what} // 0) >= $share * $count;
    print "only ", $tally{$what} // 0, " of $count were $what: this test has lost its sense\n";
    $wrong++;
}
print join(', ', map { "$tally{$_} $_" } sort keys %tally), "\n";
exit($wrong ? 1 : 0);
