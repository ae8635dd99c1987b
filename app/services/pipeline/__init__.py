"""From a webhook to what is true at the platform: intake, judging, recording, enforcing, scans, replays."""
