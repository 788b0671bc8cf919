use crate::args::Rekey;
use crate::exit::{Exit, Failure};
use crate::password;
use crate::printer::Printer;
use holotype::{Encryption, rekey};

pub(crate) fn run(args: &Rekey, printer: &Printer) -> Result<Exit, Failure> {
    let old = match password::given(&args.unlock)? {
        Some(password) => Some(password),
        None => password::asked(&args.archive.to_string_lossy())?,
    };
    let old = old.ok_or_else(|| Failure::usage("the password it has now is needed"))?;
    let new = password::new(args.new_password_file.as_deref(), args.new_password_env.as_deref())?;
    rekey(&args.archive, &old, &Encryption::with_password(new))
        .map_err(|e| Failure::from(e).about(args.archive.display()))?;
    printer.remark(format!("{}: has the new password and a new seal", args.archive.display()));
    Ok(Exit::Good)
}
