"""What every page needs: languages, messages, templates, static files, security policy; and the printed work log."""
