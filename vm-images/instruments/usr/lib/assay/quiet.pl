# Waits until the guest has nothing to do.
use strict;
use warnings;

# In nanoseconds of guest time: longer than a program that is starting waits for anything.
use constant WINDOW => NANOSECONDS / 2;

# What a boot has begun and not ended yet, every fork would do again. It is not waited for longer than so many
# nanoseconds: some guests never rest, and one whose clock is held looks as if it did not.
sub quiet {
    my ($limit) = @_;
    return if held();
    my $deadline = uptime() + $limit;
    while (uptime() < $deadline) {
        my ($began, $idle) = (uptime(), idle());
        select(undef, undef, undef, WINDOW / NANOSECONDS);
        last if idle() - $idle > 0.9 * (uptime() - $began);
    }
    return;
}

# How long its processors have done nothing, in nanoseconds (proc_uptime(5)): of several that is a sum.
sub idle {
    open(my $file, '<', '/proc/uptime') or die "/proc/uptime: $!\n";
    my (undef, $idle) = split ' ', <$file>;
    return $idle * NANOSECONDS;
}

1;
