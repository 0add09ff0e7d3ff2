"""GitHub and GitLab over their REST APIs: comments on a change, and who approved it."""
