"""Long texts: cut into parts, asked for one by one, kept as they come, joined into one file.

`splitting` cuts, `plan` names the parts, `storage` keeps them, `work` decides which is asked for next, `narrator` asks,
`joining` joins, `manifest` and `captions` tell what came of it. `narrator` is given what sends a request; nothing here
knows a client. What the extra `long` installs is loaded by `splitting` and `joining`, when it is needed; and of this
package, only `results` before there is something to narrate, since plain calls should not have to wait for the rest.
"""
