# Asks the probe that runs as a process a question, once it listens, and prints its answer.
use strict;
use warnings;
use Socket;

my ($process, $question) = @ARGV;
my $address = pack_sockaddr_un("\0assay-probe.$process");
socket(my $probe, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
until (connect($probe, $address)) {
    kill(0, $process) or die "process $process has ended\n";
    select(undef, undef, undef, 0.1);
}
syswrite($probe, "$question\n");
print while <$probe>;
