//! The reply of a script.

use opilio_actors::ports::StoreError;
use redis::{FromRedisValue, ParsingError, Value};

use crate::stores::convert::invalid;

/// A list that begins with the name of the result.
pub struct Reply {
    pub result: String,
    values: std::vec::IntoIter<Value>,
}

impl FromRedisValue for Reply {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let mut values = Vec::<Value>::from_redis_value(value)?.into_iter();
        let result = String::from_redis_value(values.next().unwrap_or(Value::Nil))?;
        Ok(Self { result, values })
    }
}

impl Reply {
    /// The next value.
    pub fn next<T: FromRedisValue>(&mut self) -> Result<T, StoreError> {
        read(self.values.next().unwrap_or(Value::Nil))
    }

    /// `LeaseLost` unless the script accepted the lease.
    pub fn require_lease(&self) -> Result<(), StoreError> {
        if self.result == "ok" { Ok(()) } else { Err(StoreError::LeaseLost) }
    }
}

pub fn read<T: FromRedisValue>(value: Value) -> Result<T, StoreError> {
    T::from_redis_value(value).map_err(|_| invalid("script reply"))
}
