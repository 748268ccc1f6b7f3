"""From a finding to its cause: the smallest input that still fails, and one file that hands it to a maintainer."""
