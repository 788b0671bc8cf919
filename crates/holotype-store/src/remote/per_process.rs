use std::sync::OnceLock;

/// A value for each process: after `fork` the child makes its own and never touches its parent's, whose locks and
/// connections may be in any state.
pub(super) struct PerProcess<T> {
    first: OnceLock<Box<Entry<T>>>,
}

struct Entry<T> {
    process: u32,
    value: T,
    next: OnceLock<Box<Entry<T>>>,
}

impl<T> PerProcess<T> {
    pub(super) fn new() -> Self {
        Self { first: OnceLock::new() }
    }

    /// This process's value, made by `make` if there is none.
    pub(super) fn get(&self, make: impl Fn() -> T) -> &T {
        self.of(std::process::id(), make)
    }

    fn of(&self, process: u32, make: impl Fn() -> T) -> &T {
        let mut slot = &self.first;
        loop {
            let entry =
                slot.get_or_init(|| Box::new(Entry { process, value: make(), next: OnceLock::new() }));
            if entry.process == process {
                return &entry.value;
            }
            slot = &entry.next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_process_has_its_own() {
        let values = PerProcess::new();
        assert_eq!(*values.of(1, || "parent"), "parent");
        assert_eq!(*values.of(2, || "child"), "child");
        assert_eq!(*values.of(3, || "grandchild"), "grandchild");
        assert_eq!(*values.of(2, || "another"), "child");
        assert_eq!(*values.of(1, || "another"), "parent");
    }
}
