use strict;
use Errno;
use Socket;

my ($kind, $where) = @ARGV;
my ($domain, $to) =
    $kind eq 'unix' ? (PF_UNIX, pack_sockaddr_un($where)) : (PF_INET, pack_sockaddr_in($where, INADDR_LOOPBACK));
my ($socket, $deadline) = (undef, time + 20);
while (1) {
    socket($socket, $domain, SOCK_STREAM, 0) or die "socket: $!\n";
    last if connect($socket, $to);
    # Nothing tells when somebody begins to listen.
    die "$!\n" unless time < $deadline and $!{ECONNREFUSED} || $!{ENOENT};
    select(undef, undef, undef, 0.1);
}
syswrite STDOUT, "joined\n";
while (1) {
    my $readable = '';
    vec($readable, $_, 1) = 1 for 0, fileno $socket;
    select($readable, undef, undef, undef) > 0 or next;
    for ([\*STDIN, $socket], [$socket, \*STDOUT]) {
        my ($from, $to) = @$_;
        next unless vec($readable, fileno $from, 1);
        sysread($from, my $bytes, 65536) or exit;
        while (length $bytes) {
            my $count = syswrite($to, $bytes) or exit;
            substr($bytes, 0, $count, '');
        }
    }
}
