# The clock of a time-lapse machine. Whenever its processor is idle it jumps to
# the next timer, also while the guest waits for its disk or for the host: so a
# process, the keeper, sees to it that the processor is idle only when time is to
# pass.
use strict;
use warnings;
use Errno qw(EBUSY);

use constant { SCHED_FIFO => 1, SCHED_IDLE => 5, SCHED_RESET_ON_FORK => 0x40000000 };
use constant { TIMER_ABSTIME => 1, CLONE_NEWNS => 0x20000, MS_REC => 0x4000, MS_PRIVATE => 0x40000 };

# Where the keeper gets its orders from, and what spins while there is none.
my ($keeper, $awake);

# The wall clock when the guest had been up for no time at all, as the host meant it.
my $epoch;

sub uptime { return clock_time(CLOCK_BOOTTIME) }

sub remember_epoch { $epoch = clock_time(CLOCK_REALTIME) - uptime() }

# How long the guest has been up, and what the wall clock would say if nobody had
# moved it.
sub now {
    my $uptime = uptime();
    return $uptime . ' ' . ($uptime + $epoch);
}

sub step {
    my ($by) = @_;
    set_wall_clock(clock_time(CLOCK_REALTIME) + $by);
    return;
}

# The initramfs holds the clock of a machine that boots. From here on it is ours.
sub adopt {
    open(my $file, '<', '/proc/1/environ') or return;
    my ($holder) = map { /^ASSAY_HOLDER=(\d+)$/ ? $1 : () } split /\0/, <$file> // '';
    return if !$holder;
    hold();
    kill KILL => $holder;
    return;
}

sub hold {
    return if $keeper;
    # What follows waits for the kernel and perhaps for the disk, and is not to take
    # guest time either.
    awake();
    # To wake in time it goes before all others; what it starts does not.
    schedule(SCHED_FIFO | SCHED_RESET_ON_FORK, 2);
    pipe(my $orders, my $to_keeper) or die "pipe: $!\n";
    pipe(my $ready, my $tell) or die "pipe: $!\n";
    my $child = fork // die "keeper: $!\n";
    if (!$child) {
        close $to_keeper;
        close $ready;
        # The port is its parent's.
        open(STDIN, '<', '/dev/null');
        open(STDOUT, '>', '/dev/null');
        my $watched = eval { schedule(SCHED_IDLE, 0); watched() };
        syswrite($tell, $watched ? 'r' : $@);
        close $tell;
        exit 1 if !$watched;
        keep($orders, @$watched);
    }
    close $tell;
    sysread($ready, my $answer, 1024);
    rest();
    ($answer // '') eq 'r' or die 'keeper: ' . ($answer || "it ended\n");
    $keeper = $to_keeper;
    return;
}

# Until a rest the processor is not idle. A template is frozen so: of a machine that
# goes on from it nobody knows when it gets its first order. The spinner spins on
# return, or every fork of the template would have to begin it.
sub awake {
    return if $awake;
    pipe(my $begun, my $tell) or die "pipe: $!\n";
    $awake = fork // die "spinner: $!\n";
    if (!$awake) {
        schedule(SCHED_IDLE, 0);
        close $tell;
        1 while 1;
    }
    close $tell;
    sysread($begun, my $nothing, 1);
    return;
}

sub rest {
    return if !$awake;
    kill KILL => $awake;
    waitpid($awake, 0);
    $awake = undef;
    return;
}

sub lapse {
    my ($until) = @_;
    die "the clock is not held\n" if !held();
    pass(1);
    my $time = timespec($until);
    # A signal wakes it early.
    1 while call('clock_nanosleep', CLOCK_BOOTTIME, TIMER_ABSTIME, $time, 0) && $!{EINTR};
    pass(0);
    return now();
}

sub held { return defined $keeper }

# For a child of the resident's that goes on without it: the keeper is to see when the resident has ended.
sub leave_the_clock { $keeper = undef }

# Lets time pass, where it is held, or no longer.
sub pass {
    my ($passes) = @_;
    syswrite($keeper, $passes ? 'l' : 'h') if $keeper;
    return;
}

# Never idle while time is held, or while somebody waits for a disk.
sub keep {
    my ($orders, $requests, @busy) = @_;
    # systemd spares such a name when it ends all that is left at shutdown.
    $0 = '@assay-keeper';
    my $held = 1;
    while (1) {
        my $ready = '';
        vec($ready, fileno($orders), 1) = 1;
        vec($ready, fileno($requests), 1) = 1;
        my $wait = $held || grep({ $_->() } @busy) ? 0 : undef;
        next if select($ready, undef, undef, $wait) <= 0;
        if (vec($ready, fileno($requests), 1)) {
            sysread($requests, my $told, 65536);
        }
        if (vec($ready, fileno($orders), 1)) {
            # Without its parent it goes on holding.
            my $length = sysread($orders, my $order, 1);
            $held = !$length || $order ne 'l';
            open($orders, '<', '/dev/zero') if !$length;
        }
    }
}

# What becomes readable when a disk is given something to do, and functions that
# tell whether one has. The kernel tells it in a file system that is mounted for
# nobody else to see.
sub watched {
    my ($none, $root, $type, $tracing) = ('none', '/', 'tracefs', '/sys/kernel/tracing');
    call('unshare', CLONE_NEWNS) == 0 or die "namespace: $!\n";
    call('mount', $none, $root, 0, MS_REC | MS_PRIVATE, 0) == 0 or die "namespace: $!\n";
    # Busy is where it is mounted already.
    call('mount', $none, $tracing, $type, 0, 0) == 0 or $! == EBUSY or die "tracefs: $!\n";
    my $own = "$tracing/instances/assay";
    mkdir $own or die "$own: $!\n";
    set("$own/buffer_size_kb", 64);
    # A reader is woken by the first event, not by a buffer that is half full.
    set("$own/buffer_percent", 0);
    set("$own/events/block/block_rq_issue/enable", 1);
    sysopen(my $requests, "$own/trace_pipe", 0) or die "$own/trace_pipe: $!\n";

    opendir(my $block, '/sys/block') or die "/sys/block: $!\n";
    my @busy = map { in_flight("/sys/block/$_/inflight") } grep { /^[sv]d/ } readdir $block;
    open(my $stat, '<', '/proc/stat') or die "/proc/stat: $!\n";
    push @busy, sub {
        sysseek($stat, 0, 0);
        sysread($stat, my $text, 65536);
        # Also those who wait for a flush, which is not in flight by that count.
        return $text =~ /^procs_blocked [1-9]/m;
    };
    return [$requests, @busy];
}

sub in_flight {
    my ($path) = @_;
    open(my $file, '<', $path) or die "$path: $!\n";
    return sub {
        sysseek($file, 0, 0);
        sysread($file, my $text, 64);
        return $text =~ /[1-9]/;
    };
}

sub set {
    my ($path, $value) = @_;
    sysopen(my $file, $path, 1) or die "$path: $!\n";
    syswrite($file, $value) or die "$path: $!\n";
}

1;
