# Asks the probe that runs as a process, or in a control group, a question, once it listens, and prints its answer.
use strict;
use warnings;
use Socket;

my ($place, $question) = @ARGV;
socket(my $probe, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";

sub processes {
    return grep { kill 0, $_ } $place if $place =~ /^\d+$/;
    open(my $members, '<', "$place/cgroup.procs") or return;
    return map { $_ + 0 } <$members>;
}

sub listens { connect($probe, pack_sockaddr_un("\0assay-probe.$_[0]")) }

while (1) {
    my @processes = processes() or die "$place: no process runs\n";
    last if grep { listens($_) } @processes;
    select(undef, undef, undef, 0.1);
}
syswrite($probe, "$question\n");
print while <$probe>;
