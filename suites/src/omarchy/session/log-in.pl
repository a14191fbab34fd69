# Logs a user in at a terminal as a person does, with login(1) and a password, and stays logged in. Tells the service
# manager when the user's shell answers. Ends with status 9 when the login is refused, and 127 when there is no login(1).
use strict;
use warnings;
use Fcntl;
use POSIX ();

my ($user, $password) = @ARGV;
my ($unlock, $number) = (0x40045431, 0x80045430);    # TIOCSPTLCK, TIOCGPTN

sysopen(my $person, '/dev/ptmx', O_RDWR | O_NOCTTY) or die "/dev/ptmx: $!\n";
my $index = pack('i', 0);
ioctl($person, $unlock, $index) or die "unlock the terminal: $!\n";
ioctl($person, $number, $index) or die "name the terminal: $!\n";
my $terminal = '/dev/pts/' . unpack('i', $index);

my $login = fork() // die "fork: $!\n";
if (!$login) {
    POSIX::setsid();
    # The first terminal that a session's leader opens is its own.
    sysopen(my $own, $terminal, O_RDWR) or die "$terminal: $!\n";
    POSIX::dup2(fileno($own), $_) for 0 .. 2;
    exec { 'login' } 'login', $user or POSIX::_exit(127);
}

my $shown = '';

sub refused {
    if ($? >> 8 == 127) {
        print STDERR "there is no login(1)\n";
        exit 127;
    }
    print STDERR "the login is refused: $shown\n";
    exit 9;
}

# Reads what the terminal shows until it matches. While login hangs up everybody else, nobody has it open.
sub until_shown {
    my ($pattern) = @_;
    until ($shown =~ s/.*$pattern//s) {
        next if sysread($person, $shown, 4096, length $shown) and $shown !~ /Login incorrect/;
        refused() if $shown =~ /Login incorrect/;
        refused() unless waitpid($login, POSIX::WNOHANG()) == 0;
        select(undef, undef, undef, 0.1);
    }
}

until_shown(qr/Password: /);
syswrite($person, "$password\n");
until_shown(qr/[\$#] $/);
syswrite($person, "echo logged-\$((1 + 1))\n");
until_shown(qr/logged-2/);
system('systemd-notify', '--ready');
waitpid($login, 0);
