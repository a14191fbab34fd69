# Random numbers, a machine id and a time of a fork's own, as the host tells it.
use strict;
use warnings;

use Fcntl qw(O_CREAT O_WRONLY);

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

    write_in_place('/etc/machine-id', "$id\n");
    return;
}

# A file that is cut to nothing and written anew waits for the disk: ext4 sees to it
# that one or the other is there after a crash.
sub write_in_place {
    my ($path, $content) = @_;
    sysopen(my $file, $path, O_WRONLY | O_CREAT) or die "$path: $!\n";
    syswrite($file, $content) // die "$path: $!\n";
    truncate($file, length $content) or die "$path: $!\n" if -s $file != length $content;
    close $file or die "$path: $!\n";
    return;
}

1;
