#!/usr/bin/perl
# A node that starts a process of its own three times a second; its workers stand still while none can be started.
use strict;
use warnings;
use POSIX ();

sub worker {
    my ($signal) = @_;
    for my $file (glob "/proc/[0-9]*/comm") {
        open(my $comm, "<", $file) or next;
        my $name = <$comm>;
        kill $signal, $file =~ /(\d+)/ if defined $name && $name =~ /^llama-server/;
    }
}

$SIG{CHLD} = "IGNORE";
while (1) {
    select undef, undef, undef, 0.3;
    my $helper = fork;
    POSIX::_exit(0) if defined $helper && $helper == 0;
    worker(defined $helper ? "CONT" : "STOP");
}
