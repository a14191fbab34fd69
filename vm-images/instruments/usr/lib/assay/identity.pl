# Random numbers, a machine id and a time of a fork's own, as the host tells it.
use strict;
use warnings;

# Has the kernel use what was just written at once instead of after up to a
# minute, in which all forks would draw the same numbers.
use constant RNDRESEEDCRNG => 0x5207;

sub renew {
    my ($seed, $id, $time) = @_;

    open(my $random, '>', '/dev/urandom') or die "random numbers: $!\n";
    syswrite($random, pack('H*', $seed)) or die "random numbers: $!\n";
    ioctl($random, RNDRESEEDCRNG, 0) or die "random numbers: $!\n";

    set_wall_clock($time);
    remember_epoch();

    open(my $file, '>', '/etc/machine-id') or die "machine id: $!\n";
    print {$file} "$id\n" or die "machine id: $!\n";
    close $file or die "machine id: $!\n";
    return;
}

1;
