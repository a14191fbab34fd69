# Asks the probe that runs as a process, or in a control group, a question, once it listens, and prints its answer. The
# place is given as busctl tells the one (`u 1234`) and systemctl the other (`/system.slice/…`). Ends with status 3 when no
# process runs there.
use strict;
use warnings;
use Socket;

my ($place, $question) = @ARGV;
socket(my $probe, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";

sub processes {
    return grep { kill 0, $_ } $1 if $place =~ /^(?:u )?(\d+)$/;
    return unless $place =~ m{^/.} and open(my $members, '<', "/sys/fs/cgroup$place/cgroup.procs");
    return map { $_ + 0 } <$members>;
}

sub listens { connect($probe, pack_sockaddr_un("\0assay-probe.$_[0]")) }

sub ended {
    print STDERR "$_[0]\n";
    exit 3;
}

while (1) {
    my @processes = processes() or ended('no process of it runs');
    last if grep { listens($_) } @processes;
    select(undef, undef, undef, 0.1);
}
syswrite($probe, "$question\n");
my $answer = join '', <$probe>;
ended('it ends when it is asked') if $answer eq '' and !processes();
print $answer;
