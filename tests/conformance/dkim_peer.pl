#!/usr/bin/perl
# dkim_peer.pl ZONE DIRECTORY - Mail::DKIM as one of the implementations that dkim_interop.py lets meet.
#
# ZONE has a line for each key record: name, TAB, text. DIRECTORY has the private keys. Commands as those of
# dkim_tool.c, without lifetime and identity:
#
#     verify LENGTH
#     sign KEYFILE DOMAIN SELECTOR CANON LENGTH
#     arc-verify LENGTH
#     arc-seal KEYFILE DOMAIN SELECTOR CV LENGTH
use strict;
use warnings;
use Mail::DKIM::ARC::Signer;
use Mail::DKIM::ARC::Verifier;
use Mail::DKIM::Signer;
use Mail::DKIM::Verifier;
use Net::DNS;

my ($zone, $directory) = @ARGV;
my %records;
open my $in, '<', $zone or die "$zone: $!";
while (<$in>) {
    chomp;
    my ($name, $text) = split /\t/, $_, 2;
    push @{ $records{ lc $name } }, $text;
}
close $in;

# In place of the network.
{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub {
        my ($name, $type) = @_;
        $name =~ s/\.$//;
        my $texts = $records{ lc $name };
        $@ = $texts ? 'NOERROR' : 'NXDOMAIN';
        return unless $texts;
        return map { Net::DNS::RR->new(owner => $name, type => 'TXT', txtdata => [ unpack '(a255)*', $_ ]) } @$texts;
    };
}

sub read_message {
    my ($length) = @_;
    my $message = '';
    read(STDIN, $message, $length) == $length or die 'a message is cut short' if $length;
    return $message;
}

sub verify {
    my ($message) = @_;
    my $dkim = Mail::DKIM::Verifier->new(Strict => 1);
    if (!eval { $dkim->PRINT($message); $dkim->CLOSE; 1 }) {
        (my $why = $@) =~ s/\s+/ /g;
        print "died 0 0 $why\n";
    } else {
        for my $s ($dkim->signatures) {
            (my $detail = $s->result_detail // '') =~ s/\s+/ /g;
            printf "%s 0 0 %s\n", $s->result // 'none', $detail;
        }
    }
    print "end\n";
}

sub sign {
    my ($file, $domain, $selector, $canon, $message) = @_;
    my $dkim = Mail::DKIM::Signer->new(
        Algorithm => 'rsa-sha256', Method => $canon, Domain => $domain, Selector => $selector,
        KeyFile => "$directory/$file");
    if (!eval { $dkim->PRINT($message); $dkim->CLOSE; 1 }) {
        (my $why = $@) =~ s/\s+/ /g;
        print "failed $why\n";
        return;
    }
    my $field = $dkim->signature->as_string . "\r\n";
    printf "signature %d\n%s", length $field, $field;
}

sub arc_verify {
    my ($message) = @_;
    my $arc = Mail::DKIM::ARC::Verifier->new;
    my $good = eval { $arc->PRINT($message); $arc->CLOSE; 1 };
    (my $why = ($good ? $arc->result_detail : $@) // '') =~ s/\s+/ /g;
    printf "%s 0 %s\n", $good ? $arc->result // 'none' : 'died', $why;
}

sub arc_seal {
    my ($file, $domain, $selector, $cv, $message) = @_;
    my $arc = Mail::DKIM::ARC::Signer->new(
        Algorithm => 'rsa-sha256', Chain => $cv, Domain => $domain, SrvId => $domain, Selector => $selector,
        KeyFile => "$directory/$file");
    my $good = eval { $arc->PRINT($message); $arc->CLOSE; 1 };
    if (!$good || ($arc->result // '') ne 'sealed') {
        (my $why = ($good ? $arc->{details} : $@) // '') =~ s/\s+/ /g;
        print "failed $why\n";
        return;
    }
    my $fields = $arc->as_string;
    $fields =~ s/\r?\n/\r\n/g;
    $fields .= "\r\n" unless $fields =~ /\r\n$/;
    printf "sealed %d\n%s", length $fields, $fields;
}

my %commands = (verify => \&verify, sign => \&sign, 'arc-verify' => \&arc_verify, 'arc-seal' => \&arc_seal);
$SIG{__WARN__} = sub { };    # it warns of what it reads
binmode STDIN;
binmode STDOUT;
$| = 1;
while (my $line = <STDIN>) {
    my ($command, @words) = split ' ', $line;
    my $message = read_message(pop @words);
    $commands{$command}->(@words, $message);
}
