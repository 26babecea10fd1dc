//! A queue between threads whose receiver sleeps at once when it is empty.
//!
//! The channels of crossbeam and of the standard library first yield the
//! processor a few times, which is right where the next message is near. Here
//! the processors are busy with workers, and who yields to one of them is back
//! only when the kernel thinks that its turn has come: milliseconds later, and
//! so for every action (docs/benchmarks.md has the figures).

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A queue that holds at most `most` messages: who sends more waits.
pub(super) fn mailbox<T>(most: usize) -> (Sender<T>, Receiver<T>) {
    let state = State { messages: VecDeque::new(), senders: 1, received: true };
    let shared = Arc::new(Shared { state: Mutex::new(state), arrived: Condvar::new(), taken: Condvar::new(), most });
    (Sender(shared.clone()), Receiver(shared))
}

struct Shared<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
    taken: Condvar,
    most: usize,
}

struct State<T> {
    messages: VecDeque<T>,
    senders: usize,
    /// Whether the receiver is there.
    received: bool,
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where messages are put.
pub struct Sender<T>(Arc<Shared<T>>);

/// Where they come out, in order.
pub(super) struct Receiver<T>(Arc<Shared<T>>);

impl<T> Sender<T> {
    /// Puts a message; it is dropped where nobody receives any more.
    pub fn send(&self, message: T) {
        let full = |state: &mut State<T>| state.received && state.messages.len() >= self.0.most;
        let mut state = self.0.taken.wait_while(self.0.state(), full).unwrap_or_else(PoisonError::into_inner);
        if state.received {
            state.messages.push_back(message);
            drop(state);
            self.0.arrived.notify_one();
        }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.state().senders += 1;
        Sender(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.state().senders -= 1;
        self.0.arrived.notify_one();
    }
}

impl<T> Receiver<T> {
    /// The next message, if one comes within `wait`.
    pub(super) fn next_within(&self, wait: Duration) -> Option<T> {
        let until = Instant::now() + wait;
        let mut state = self.0.state();
        while state.messages.is_empty() && state.senders > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            (state, _) = self.0.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
        self.taken(state)
    }

    fn taken(&self, mut state: MutexGuard<'_, State<T>>) -> Option<T> {
        let message = state.messages.pop_front()?;
        drop(state);
        self.0.taken.notify_one();
        Some(message)
    }
}

impl<T> Iterator for Receiver<T> {
    type Item = T;

    /// Waits for the next message; none when there are no more senders.
    fn next(&mut self) -> Option<T> {
        let empty = |state: &mut State<T>| state.messages.is_empty() && state.senders > 0;
        let state = self.0.arrived.wait_while(self.0.state(), empty).unwrap_or_else(PoisonError::into_inner);
        self.taken(state)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.received = false;
        let unread = std::mem::take(&mut state.messages);
        drop(state);
        self.0.taken.notify_all();
        // Not under the lock: what a message holds may have an end of its own.
        drop(unread);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn messages_come_in_order_until_the_last_sender_is_gone() {
        let (sender, receiver) = mailbox(usize::MAX);
        let other = sender.clone();
        let thread = thread::spawn(move || (0..100).for_each(|number| other.send(number)));
        thread.join().unwrap();
        sender.send(100);
        drop(sender);
        assert_eq!(receiver.collect::<Vec<i32>>(), (0..=100).collect::<Vec<i32>>());
    }

    #[test]
    fn nothing_comes_within_the_time() {
        let (sender, receiver) = mailbox(usize::MAX);
        assert_eq!(receiver.next_within(Duration::from_millis(1)), None);
        sender.send(1);
        assert_eq!(receiver.next_within(Duration::ZERO), Some(1));
    }

    #[test]
    fn a_full_one_holds_the_sender_up_until_there_is_room_or_no_receiver() {
        let (sender, receiver) = mailbox(1);
        let (told, heard) = mailbox(usize::MAX);
        let thread = thread::spawn(move || {
            for number in 0..3 {
                sender.send(number);
                told.send(number);
            }
        });
        let wait = Duration::from_secs(10);
        assert_eq!(heard.next_within(wait), Some(0));
        assert_eq!(heard.next_within(Duration::from_millis(20)), None);
        assert_eq!(receiver.next_within(wait), Some(0));
        assert_eq!(heard.next_within(wait), Some(1));
        drop(receiver);
        assert_eq!(heard.next_within(wait), Some(2));
        thread.join().unwrap();
    }
}
