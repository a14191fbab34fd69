# System calls that perl-base has no word for.
use strict;
use warnings;
use integer;
use POSIX qw(uname);

my %numbers = (
    aarch64 => {
        inotify_init1 => 26, inotify_add_watch => 27, mount => 40, unshare => 97, clock_settime => 112, clock_gettime => 113,
        clock_nanosleep => 115, sched_setscheduler => 119,
    },
    x86_64 => {
        sched_setscheduler => 144, mount => 165, clock_settime => 227, clock_gettime => 228,
        clock_nanosleep => 230, inotify_add_watch => 254, unshare => 272, inotify_init1 => 294,
    },
);
my $here = $numbers{(uname)[4]} or die "not on this architecture\n";

use constant { CLOCK_REALTIME => 0, CLOCK_BOOTTIME => 7, NANOSECONDS => 1_000_000_000 };

# Its result, or -1 with $!. Numbers go as numbers, strings as pointers to what the
# kernel may write to: variables.
sub call {
    my $name = shift;
    return syscall($here->{$name}, @_);
}

# A clock, in nanoseconds.
sub clock_time {
    my ($clock) = @_;
    my $time = pack('qq', 0, 0);
    call('clock_gettime', $clock, $time) == 0 or die "clock: $!\n";
    my ($seconds, $nanoseconds) = unpack('qq', $time);
    return $seconds * NANOSECONDS + $nanoseconds;
}

sub timespec {
    my ($time) = @_;
    return pack('qq', $time / NANOSECONDS, $time % NANOSECONDS);
}

sub set_wall_clock {
    my ($time) = @_;
    call('clock_settime', CLOCK_REALTIME, my $set = timespec($time)) == 0 or die "wall clock: $!\n";
}

# How the kernel is to choose this process, or another.
sub schedule {
    my ($policy, $priority, $process) = @_;
    call('sched_setscheduler', ($process // 0) + 0, $policy, my $wanted = pack('i', $priority)) == 0
        or die "scheduling: $!\n";
}

1;
