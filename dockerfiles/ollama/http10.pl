#!/usr/bin/perl
# An old door before Ollama: it asks in HTTP/1.0, so that only the end of its connection is the end of an answer.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use POSIX ();

sub serve {    # one question on one connection
    my ($asking) = @_;
    my $node = IO::Socket::INET->new(PeerAddr => "127.0.0.1:11435") or return;
    my $head = "";
    until ($head =~ /\r\n\r\n/) {
        sysread($asking, $head, 65536, length $head) or return;
    }
    $head =~ s/ HTTP\/1\.1\r\n/ HTTP\/1.0\r\n/;
    $head =~ s/\r\nConnection:[^\r]*//i;
    syswrite $node, $head;
    my $both = IO::Select->new($asking, $node);
    while (1) {
        for my $from ($both->can_read) {
            sysread($from, my $data, 65536) or return;
            syswrite $from == $node ? $asking : $node, $data;
        }
    }
}

$SIG{CHLD} = "IGNORE";
my $door = IO::Socket::INET->new(LocalPort => 11434, Listen => 128, ReuseAddr => 1) or die "http10: port 11434: $!\n";
while (1) {
    my $asking = $door->accept or next;
    my $child = fork;
    next if !defined $child || $child;
    serve($asking);
    POSIX::_exit(0);
}
