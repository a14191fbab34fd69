# Joins a virtio port of the host's to a socket of this machine, or to the USB
# device that is served by USB/IP at its other end.
use strict;
use warnings;
use Errno;
use Fcntl;
use POSIX ();
use Socket;

# In seconds: how long the port may take to be there, and somebody to listen.
use constant { PORT_LIMIT => 20, LISTENER_LIMIT => 20 };

# Joins the port of this name, when it is there, to an address (unix:PATH,
# tcp:NUMBER or usb:BUSID) as the user with this number. Returns when both are
# open. What joins them goes on as a process of its own, until either ends.
sub channel {
    my ($name, $user, $address) = ($_[0], $_[1], pack('H*', $_[2]));
    pipe(my $result, my $tell) or die "pipe: $!\n";
    my $child = fork // die "channel: $!\n";
    if (!$child) {
        # Nobody here waits for its end.
        my $grandchild = fork;
        POSIX::_exit(0) if !defined $grandchild || $grandchild;
        eval {
            leave_the_resident();
            relay(joined($name, $user, $address, sub { syswrite($tell, 'joined'); close $tell }));
        };
        # Said too late for the host, it is in the journal.
        syswrite(fileno($tell) ? $tell : \*STDERR, $@) if $@;
        POSIX::_exit(0);
    }
    close $tell;
    waitpid($child, 0);
    sysread($result, my $told, 1024);
    ($told ||= "it ended\n") eq 'joined' or die "$address: $told";
    return;
}

# Its port and its clock are not ours.
sub leave_the_resident {
    leave_the_clock();
    open(STDIN, '<', '/dev/null');
    open(STDOUT, '>', '/dev/null');
    # The journal has what comes there.
    open(STDERR, '>', '/dev/kmsg');
}

# The two ends, which it says are open.
sub joined {
    my ($name, $user, $address, $say) = @_;
    my ($kind, $where) = split /:/, $address, 2;
    my $port = port($name);
    if ($user) {
        my $group = (getpwuid $user)[3] // die "there is no user $user\n";
        $( = $group;
        $) = "$group $group";
        POSIX::setuid($user) or die "user $user: $!\n";
    }
    my $socket = $kind eq 'usb' ? undef : connected($kind, $where);
    $say->();
    # Whoever serves the device speaks only when this has been answered.
    return $port, $socket // attached($port, $where);
}

sub port {
    my ($name) = @_;
    my $path = "/dev/virtio-ports/$name";
    my ($source, $is_made) = entry($path, IN_CREATE | IN_MOVED_TO);
    my $deadline = uptime() + PORT_LIMIT * NANOSECONDS;
    comes_until($deadline, $source, sub { -e $path || $is_made->() }) or die "there is no port $name\n";
    sysopen(my $port, $path, O_RDWR) or die "$path: $!\n";
    return $port;
}

# A socket at which nobody listens yet is tried again for a while: nothing tells
# when somebody does.
sub connected {
    my ($kind, $where) = @_;
    my ($domain, $to) =
        $kind eq 'unix' ? (PF_UNIX, pack_sockaddr_un($where)) : (PF_INET, pack_sockaddr_in($where, INADDR_LOOPBACK));
    my $deadline = uptime() + LISTENER_LIMIT * NANOSECONDS;
    while (1) {
        socket(my $socket, $domain, SOCK_STREAM, 0) or die "socket: $!\n";
        return $socket if connect($socket, $to);
        die "$!\n" unless uptime() < $deadline and $!{ECONNREFUSED} || $!{ENOENT};
        select(undef, undef, undef, 0.1);
    }
}

# The kernel's end of a pair of sockets is the device's cable: Documentation/usb/usbip_protocol.rst.
sub attached {
    my ($port, $device_id) = @_;
    my $hub = '/sys/devices/platform/vhci_hcd.0';
    system('modprobe', 'vhci-hcd') == 0 or die "there is no USB hub to attach to\n";
    write_all($port, pack('n n N a32', 0x0111, 0x8003, 0, $device_id)) or die "$!\n";
    my (undef, undef, $refused) = unpack 'n n N', read_all($port, 8);
    die "refused with status $refused\n" if $refused;
    my ($bus, $device, $speed) = unpack 'x256 x32 N N N', read_all($port, 312);

    open(my $status, '<', "$hub/status") or die "$hub: $!\n";
    my ($free) = map { /^hs\s+(\d+)\s+004\s/ ? $1 + 0 : () } <$status>;
    defined $free or die "the USB hub is full\n";
    socketpair(my $cable, my $ours, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
    sysopen(my $attach, "$hub/attach", O_WRONLY) or die "$hub: $!\n";
    my $line = join ' ', $free, fileno($cable), $bus << 16 | $device, $speed;
    syswrite($attach, $line) or die "cannot attach: $!\n";
    return $ours;
}

# The end of either is the end of both, which the kernel sees to.
sub relay {
    my ($port, $socket) = @_;
    my %other = (fileno($port) => $socket, fileno($socket) => $port);
    while (1) {
        my $readable = '';
        vec($readable, fileno($_), 1) = 1 for $port, $socket;
        select($readable, undef, undef, undef) > 0 or next;
        for my $from ($port, $socket) {
            next unless vec($readable, fileno($from), 1);
            sysread($from, my $bytes, 65536) or return;
            write_all($other{fileno($from)}, $bytes) or return;
        }
    }
}

sub write_all {
    my ($to, $bytes) = @_;
    while (length $bytes) {
        my $count = syswrite($to, $bytes) or return 0;
        substr($bytes, 0, $count, '');
    }
    return 1;
}

sub read_all {
    my ($from, $length) = @_;
    my $bytes = '';
    while (length $bytes < $length) {
        sysread($from, $bytes, $length - length $bytes, length $bytes) or die "the other end has gone\n";
    }
    return $bytes;
}

1;
