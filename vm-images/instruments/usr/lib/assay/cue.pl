# Stops the guest at an event: the process that brings it about executes nothing
# after the system call that did. With a single processor that is so because this
# process goes before all others as soon as it is told, and stays until the host
# has stopped the machine.
use strict;
use warnings;

use constant {
    IN_MODIFY => 0x2, IN_MOVED_FROM => 0x40, IN_MOVED_TO => 0x80, IN_CREATE => 0x100, IN_DELETE => 0x200,
    O_NONBLOCK => 0x800, O_CLOEXEC => 0x80000,
};

# The host stops a machine in milliseconds. A process that never yields is
# interrupted after nearly a second of guest time, so half of one is too late.
use constant PATIENCE => NANOSECONDS / 2;

my %cues = (
    appears => sub { entry($_[0], IN_CREATE | IN_MOVED_TO | IN_MODIFY) },
    vanishes => sub { entry($_[0], IN_DELETE | IN_MOVED_FROM) },
    journal => \&journal,
);

# Waits for a cue, at most for so many nanoseconds; a command is to bring it about.
# Once it has come, the guest stands still until the host says otherwise.
sub stop_at {
    my ($limit, $kind, $what, $command) = @_;
    schedule(SCHED_FIFO | SCHED_RESET_ON_FORK, 2);
    my ($source, $has_come, $forget) = $cues{$kind}->(pack('H*', $what));
    my $deadline = uptime() + $limit;
    begin(pack('H*', $command)) if defined $command;
    pass(1);
    my $came = comes_until($deadline, $source, $has_come);
    pass(0);
    $forget->() if $forget;
    if ($came) {
        syswrite(STDOUT, 'done ' . now() . "\n");
        stand_still();
    }
    schedule(0, 0) if !held();
    return $came ? undef : 'never';
}

# Whether it has come before this uptime: it is looked for whenever something can be read from its source.
sub comes_until {
    my ($deadline, $source, $has_come) = @_;
    until ($has_come->()) {
        my $left = ($deadline - uptime()) / NANOSECONDS;
        return 0 if $left <= 0;
        my $ready = '';
        vec($ready, fileno($source), 1) = 1;
        select($ready, undef, undef, $left);
    }
    return 1;
}

sub stand_still {
    my $late = uptime() + PATIENCE;
    while (1) {
        my $ready = '';
        vec($ready, fileno(STDIN), 1) = 1;
        last if select($ready, undef, undef, 0) > 0;
        if ($late && uptime() > $late) {
            syswrite(STDOUT, "failed the host took too long to stop the machine\n");
            $late = 0;
        }
    }
    # What it says does not matter.
    scalar <STDIN>;
    return;
}

sub begin {
    my ($command) = @_;
    local $SIG{CHLD} = 'IGNORE';
    my $child = fork // die "command: $!\n";
    return if $child;
    $SIG{CHLD} = 'DEFAULT';
    # The port is its parent's.
    open(STDIN, '<', '/dev/null');
    open(STDOUT, '>&', \*STDERR);
    exec '/bin/sh', '-c', $command;
    exit 127;
}

# A name in a directory: the next time that something is made or written there by it, or goes.
# The directories above need not be there yet.
sub entry {
    my ($path, $mask) = @_;
    my $number = call('inotify_init1', O_NONBLOCK | O_CLOEXEC);
    open(my $inotify, '<&=', $number) or die "inotify: $!\n";
    my ($directory, $name);
    my $watch = sub {
        my @names = split m{/+}, $path;
        $name = pop @names;
        $name = pop @names while @names && !-d (join('/', @names) || '/');
        $directory = join('/', @names) || '/';
        my $above = $directory;
        call('inotify_add_watch', $number, $above, $mask | IN_CREATE | IN_MOVED_TO) >= 0
            or die "watch $directory: $!\n";
        return "$directory/$name" eq $path || "$directory$name" eq $path;
    };
    my $final = $watch->();
    die "$path is not there\n" if $mask & IN_DELETE && !-e $path && !-l $path;
    return $inotify, sub {
        while (sysread($inotify, my $told, 65536)) {
            while (length $told) {
                my (undef, $kind, undef, $length) = unpack('iIII', $told);
                my $about = unpack('Z*', substr($told, 16, $length));
                $told = substr($told, 16 + $length);
                next if $about ne $name;
                return 1 if $final && $kind & $mask;
            }
            next if $final;
            # Nothing has run since, or it would have been made before anybody watched.
            $final = $watch->();
            return 1 if $final && -e $path;
        }
        return 0;
    };
}

# A text in a line of the journal. The journal itself goes before all others
# meanwhile, so that whoever writes to it waits until the line has been taken.
sub journal {
    my ($text) = @_;
    my $path = '/run/systemd/journal/syslog';
    unlink $path;
    socket(my $socket, 1, 2 | O_NONBLOCK | O_CLOEXEC, 0) or die "socket: $!\n";
    bind($socket, pack('SZ*', 1, $path)) or die "$path: $!\n";
    my $journald = '/sys/fs/cgroup/system.slice/systemd-journald.service/cgroup.procs';
    open(my $processes, '<', $journald) or die "$journald: $!\n";
    chomp(my @processes = <$processes>);
    schedule(SCHED_FIFO | SCHED_RESET_ON_FORK, 1, $_) for @processes;
    return $socket, sub {
        while (sysread($socket, my $line, 65536)) {
            return 1 if index($line, $text) >= 0;
        }
        return 0;
    }, sub {
        unlink $path;
        schedule(0, 0, $_) for @processes;
    };
}

1;
